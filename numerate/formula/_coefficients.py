"""The numbers that stand in a formula: found, merged, taken out of sums, freed to be fitted."""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import math

import sympy

_LONGEST = 10**15


def coefficients(formula: sympy.Expr) -> list[sympy.Expr]:
    """The numbers in a formula other than ±1 and the exponents of short powers.

    A fitted constant that occurs several times, also with another sign, counts once.

    !!! example
        >>> x, y = sympy.symbols("x y")
        >>> sorted(coefficients(2 * x**2 - sympy.sqrt(y) / 3))
        [-1/3, 2]
    """
    found: list[sympy.Expr] = []

    def visit(node):
        if node.is_number:
            if abs(node) != 1 and not (node.is_Float and {node, -node} & set(found)):
                found.append(node)
        elif node.is_Pow and node.exp.is_Rational and abs(node.exp) <= 4 and node.exp.q <= 4:
            visit(node.base)
        else:
            for argument in node.args:
                visit(argument)

    visit(formula)
    return found


def released(formula: sympy.Expr) -> sympy.Expr:
    """The formula with a `Float` for each coefficient, also for those that are whole numbers.

    !!! example
        >>> import sympy
        >>> released(sympy.sympify("3*a**2/b + c + 5"))
        3.0*a**2/b + 1.0*c + 5.0
    """
    if formula.is_number:
        return sympy.Float(float(formula))
    if formula.is_Add:
        return sympy.Add(*(released(term) for term in formula.args))
    factor, rest = formula.as_independent(*formula.free_symbols, as_Add=False)
    if rest.is_Mul:
        rest = sympy.Mul(*(_inside(f) for f in rest.args))
    else:
        rest = _inside(rest)
    return sympy.Mul(sympy.Float(float(factor)), rest, evaluate=False)


def with_floats(formula: sympy.Expr) -> sympy.Expr:
    """The formula with a `Float` for each coefficient of `coefficients`.

    !!! example
        >>> import sympy
        >>> with_floats(sympy.sympify("3*a**2/(b + 5) + c"))
        3.0*a**2/(b + 5.0) + c
    """
    if formula.is_Rational:
        return formula if abs(formula) == 1 else sympy.Float(float(formula))
    if formula.is_Pow:
        return sympy.Pow(with_floats(formula.base), formula.exp)
    return formula.func(*map(with_floats, formula.args)) if formula.args else formula


def _inside(factor: sympy.Expr) -> sympy.Expr:
    """A factor whose sums have free coefficients, but for the first, which the factor's own
    coefficient stands for."""
    base, exponent = factor.as_base_exp()
    if not base.is_Add:
        return factor
    first, *others = base.args if not base.args[0].is_number else base.args[::-1]
    return sympy.Pow(sympy.Add(first, *(released(t) for t in others)), exponent)


def merged_numbers(formula: sympy.Expr) -> sympy.Expr:
    """Make one `Float` of the numbers that multiply it, and of numbers too long to be exact.

    !!! example
        >>> x = sympy.Symbol("x")
        >>> merged_numbers(sympy.sqrt(2) * sympy.Float(0.5) * x)
        0.707106781186548*x
    """
    if not formula.args or formula.is_Symbol:
        return _short(formula)
    if formula.is_number and formula.has(sympy.Float):
        return sympy.Float(float(formula)) if formula.is_real else formula
    arguments = [merged_numbers(a) for a in formula.args]
    if formula.is_Mul and (total := _fitted_sum(arguments)) is not None:
        # (2.5 a + 3 b)/4 has a number more than 0.625 a + 3 b/4.
        number = sympy.Mul(*(a for a in arguments if a.is_number))
        others = [a for a in arguments if not a.is_number and a is not total]
        expanded = sympy.Add(*(merged_numbers(number * term) for term in total.args))
        return sympy.Mul(expanded, *others)
    if formula.is_Mul or formula.is_Add:
        numbers = [a for a in arguments if a.is_number]
        if len(numbers) > 1 and any(n.has(sympy.Float) for n in numbers):
            others = [a for a in arguments if not a.is_number]
            whole = formula.func(*numbers)
            if whole.is_real:
                return formula.func(sympy.Float(float(whole)), *others)
    return formula.func(*arguments) if list(formula.args) != arguments else formula


def _fitted_sum(factors: list[sympy.Expr]) -> sympy.Expr | None:
    """The only sum with fitted coefficients among factors, if numbers other than ±1 are too."""
    numbers = [f for f in factors if f.is_number and abs(f) != 1]
    sums = [f for f in factors if f.is_Add and f.has(sympy.Float)]
    return sums[0] if numbers and len(sums) == 1 else None


def _short(number: sympy.Expr) -> sympy.Expr:
    """A rational of more digits than float64 has as a `Float`."""
    if not isinstance(number, sympy.Rational) or max(abs(number.p), number.q) < _LONGEST:
        return number
    value = float(number)
    return sympy.Float(value) if 0 < abs(value) < math.inf else number


def with_ratios(formula: sympy.Expr) -> sympy.Expr:
    """Take the first of two or more long coefficients out of each sum.

    2.5 a + 7.5 b becomes 2.5 (a + 3.0 b): snapping then sees that the ratio is simple. Numbers
    that are not short fractions count as long, and become `Float`s.

    !!! example
        >>> a, b = sympy.symbols("a b")
        >>> with_ratios(sympy.Float(2.5) * a + sympy.Float(7.5) * b)
        2.5*(a + 3.0*b)
    """
    if not formula.args or formula.is_number:
        return formula
    formula = formula.func(*map(with_ratios, formula.args))
    if not formula.is_Add:
        return formula
    parts = [term.as_coeff_Mul() for term in formula.as_ordered_terms()]
    long = [number for number, rest in parts if rest != 1 and _is_long(number)]
    if len(long) < 2:
        return formula
    # Without its sign, so that a root of the sum stays real.
    first = sympy.Float(abs(long[0]))
    terms = [
        sympy.sign(n) * rest if n == long[0] else sympy.Float(n / first) * rest for n, rest in parts
    ]
    return sympy.Mul(first, sympy.Add(*terms), evaluate=False)


def into_denominator(formula: sympy.Expr) -> sympy.Expr:
    """Divide a sum in the denominator by the long number before the fraction.

    0.5 d / (d − 0.51) becomes d / (2.0 d − 1.02): snapping then sees that the last number may be 1.

    !!! example
        >>> d = sympy.Symbol("d", positive=True)
        >>> into_denominator(sympy.Float(0.5) * d / (d - sympy.Float(0.51)))
        d/(2.0*d - 1.02)
    """
    if not formula.is_Mul:
        return formula
    number, rest = formula.as_coeff_Mul()
    below = [f for f in rest.args if f.is_Pow and f.exp == -1 and f.base.is_Add]
    if len(below) != 1 or not _is_long(number):
        return formula
    total = below[0].base
    terms = [term.as_coeff_Mul() for term in total.args]
    divided = sympy.Add(*(sympy.Float(float(n / number)) * u for n, u in terms))
    return rest / below[0] / divided


def monic(formula: sympy.Expr) -> sympy.Expr:
    """Take the first coefficient out of each sum in a power, if all its numbers are long.

    !!! example
        >>> x = sympy.Symbol("x", positive=True)
        >>> monic(x / (sympy.Float(0.5) * x + sympy.Float(4.1)))
        2.0*x/(x + 8.2)
    """
    if not formula.args or formula.is_number:
        return formula
    formula = formula.func(*map(monic, formula.args))
    if not (formula.is_Pow and formula.base.is_Add and formula.exp.is_number):
        return formula
    parts = [term.as_coeff_Mul() for term in formula.base.as_ordered_terms()]
    if not all(number.is_Float for number, _ in parts):
        return formula
    first = abs(parts[0][0])
    base = sympy.Add(*(_unit(n / first) * rest for n, rest in parts))
    return sympy.Float(first**formula.exp) * base**formula.exp


def _unit(number: sympy.Expr) -> sympy.Expr:
    return sympy.sign(number) if abs(abs(number) - 1) < 1e-15 else number


def _is_long(number: sympy.Expr) -> bool:
    return not number.is_Rational or number.q > 12 or abs(number.p) > 12
