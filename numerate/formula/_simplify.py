"""The shortest equivalent form of a formula that SymPy's rules find."""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula._coefficients import merged_numbers, monic
from numerate.formula._expression import complexity, evaluate, terms
from numerate.formula._fit import Rows

# Limits of SymPy's factoring: beyond them it can take minutes and rarely finds a shorter form.
_TERMS, _TERMS_OF_EXACT = 30, 60  # operations, with fitted constants and without
_LARGEST_POWER = 4
_CONSTANTS = 3
_SIZE = 24  # variables times degree: smaller polynomials SymPy factors at once
# The product of degree + 1 over all variables. Beyond it SymPy computes greatest common divisors
# of whole numbers so long that a single operation can hold the interpreter for minutes.
_LARGEST = 20_000
_AGREE = 1e-9


def simplify(formula: sympy.Expr, rows: Rows) -> sympy.Expr:
    """The least complex of several equivalent forms of a formula.

    SymPy may use that a feature is positive in all rows. Each form is also evaluated on the
    rows, and is rejected if it differs from the original by more than rounding.

    !!! example
        >>> x = np.array([1.0, 2.0])
        >>> rows = Rows.of({"a": x, "b": x, "c": x}, x)
        >>> a, b, c = rows.symbols
        >>> simplify(a * c + b * c, rows)
        c*(a + b)
    """
    reference = evaluate(formula, rows.columns())
    formula = one_sided(merged_numbers(signed_powers(formula)), rows)
    symbolic, restore = _constants_as_symbols(formula)
    best, seen = formula, set()
    for form in _forms(symbolic):
        if form in seen:
            continue
        seen.add(form)
        form = merged_numbers(signed_powers(form.xreplace(restore)))
        if _is_shorter(form, best) and _agree(evaluate(form, rows.columns()), reference):
            best = form
    return _with_few_signs(merged_numbers(monic(best)))


def _with_few_signs(formula: sympy.Expr) -> sympy.Expr:
    """a b/(d − c) for −a b/(c − d), and (a + b)/(c − d) for (−a − b)/(d − c)."""
    return formula.replace(lambda e: e.is_Mul, _few_signs)


def _few_signs(product: sympy.Expr) -> sympy.Expr:
    number, rest = product.as_coeff_Mul()
    factors, negative = list(sympy.Mul.make_args(rest)), number.is_negative
    mixed = []
    for index, factor in enumerate(factors):
        base, exponent = factor.as_base_exp()
        if not (base.is_Add and exponent.is_odd):
            continue
        signs = {term.could_extract_minus_sign() for term in base.args}
        if signs == {True}:
            factors[index], negative = (-base) ** exponent, not negative
        elif len(signs) == 2:
            mixed.append(index)
    if negative and mixed:
        base, exponent = factors[mixed[0]].as_base_exp()
        factors[mixed[0]], negative = (-base) ** exponent, False
    return sympy.Mul(-abs(number) if negative else abs(number), *factors)


def _is_shorter(one: sympy.Expr, two: sympy.Expr) -> bool:
    """Less complex, else with fewer fractions in fractions, else shorter as a text."""
    for measure in (complexity, _nested, lambda formula: len(str(formula))):
        first, second = measure(one), measure(two)
        if first != second:
            return first < second
    return False


def _nested(formula: sympy.Expr) -> int:
    """The number of sums with fractions in a denominator."""
    return sum(
        p.exp.is_negative is True
        and p.base.is_Add
        and any(q.exp.is_negative for q in p.base.atoms(sympy.Pow))
        for p in formula.atoms(sympy.Pow)
    )


def one_sided(formula: sympy.Expr, rows: Rows) -> sympy.Expr:
    """Write |u| as u or −u, and sign(u) as ±1, where u has one sign on all rows.

    Numbers before a sum inside are taken out first: |2a − 2b| is 2|a − b|.

    !!! example
        >>> x = np.array([1.0, 2.0])
        >>> rows = Rows.of({"a": x, "b": x + 5}, x)
        >>> a, b = rows.symbols
        >>> one_sided(abs(a - b) * sympy.sign(a - b), rows)
        a - b
    """
    if not formula.has(sympy.Abs, sympy.sign):
        return formula

    def decided(node):
        inside = _without_content(node.args[0])
        value = evaluate(inside, rows.columns()) if inside.free_symbols else np.array([1.0])
        signs = {float(s) for s in np.sign(value)}
        if len(signs) == 1 and signs < {-1.0, 1.0}:
            size = inside if isinstance(node, sympy.Abs) else sympy.S.One
            one = size * int(signs.pop())
        else:
            one = node.func(inside)
        content = _content(node.args[0])
        return one * (abs(content) if isinstance(node, sympy.Abs) else sympy.sign(content))

    return signed_powers(formula.replace(lambda e: isinstance(e, sympy.Abs | sympy.sign), decided))


def _content(formula: sympy.Expr) -> sympy.Expr:
    """The coefficient of the first term of a sum, with its sign; 1 for what is no sum."""
    if not formula.is_Add:
        return sympy.S.One
    first = next((t for t in formula.as_ordered_terms() if t.free_symbols), formula.args[0])
    return first.as_coeff_Mul()[0]


def _without_content(formula: sympy.Expr) -> sympy.Expr:
    content = _content(formula)
    if content == 1 or not formula.is_Add:
        return formula
    return sympy.Add(*(_near_simple(t / content) for t in formula.args))


def _near_simple(term: sympy.Expr) -> sympy.Expr:
    """A term whose coefficient is a small fraction but for rounding, with that fraction."""
    number, rest = term.as_coeff_Mul()
    if not number.is_Float:
        return term
    near = Fraction(float(number)).limit_denominator(12)
    close = near and abs(float(number) / near - 1) < _AGREE
    return sympy.Rational(near.numerator, near.denominator) * rest if close else term


def _agree(value: np.ndarray, reference: np.ndarray) -> bool:
    size = np.abs(reference).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(value - reference) <= _AGREE * size))


def _forms(formula: sympy.Expr) -> Iterator[sympy.Expr]:
    yield formula
    powers = [p.exp for p in formula.atoms(sympy.Pow)]
    simple = all(p.is_Rational and abs(p) <= _LARGEST_POWER and p.q <= 4 for p in powers)
    fitted = [n for n in formula.free_symbols if isinstance(n, sympy.Dummy)]
    most = _TERMS if fitted else _TERMS_OF_EXACT
    if not simple or formula.count_ops() > most or len(fitted) > _CONSTANTS:
        return
    expanded = terms(formula)
    if expanded is None:
        return
    expanded = sympy.Add(*expanded)
    yield expanded
    for start in (formula, expanded, sympy.powdenest(formula, force=True)):
        rewrites = (
            sympy.powsimp,
            sympy.together,
            factored,
            _factor_inside,
            _in_parts,
            _cancelled,
        )
        for rewrite in rewrites:
            try:
                yield rewrite(start)
            except (sympy.BasePolynomialError, NotImplementedError):
                # This rule does not apply to the formula; others may.
                continue
    for symbol in sorted(formula.free_symbols, key=str):
        yield sympy.collect(expanded, symbol)
    yield from _divided(formula)


def _divided(formula: sympy.Expr) -> Iterator[sympy.Expr]:
    """The quotient of two sums with what can be divided outside: x/(y + 1) + z."""
    over, under = sympy.fraction(sympy.together(formula))
    if not (over.is_Add and under.has(sympy.Add) and _is_small(over) and _is_small(under)):
        return
    for symbol in sorted(under.free_symbols, key=str):
        if not isinstance(symbol, sympy.Dummy):  # which stands for a constant
            try:
                yield sympy.apart(over / under, symbol)
            except (sympy.BasePolynomialError, NotImplementedError):
                continue


def _factor_inside(formula: sympy.Expr) -> sympy.Expr:
    """Factor the sum inside each power, then merge powers of powers."""
    inside = formula.replace(
        lambda e: e.is_Pow and e.base.is_Add, lambda e: sympy.Pow(factored(e.base), e.exp)
    )
    return sympy.powdenest(inside, force=True)


def _in_parts(formula: sympy.Expr) -> sympy.Expr:
    """Factor the parts of each sum that have no symbol in common.

    (a − b)² + (c − d)², multiplied out, has no factors; and where a is near b, its rounding
    errors are far larger.
    """
    return formula.replace(lambda e: e.is_Add, _parts_factored)


def _parts_factored(total: sympy.Expr) -> sympy.Expr:
    parts: list[tuple[set, list]] = []
    for term in total.args:
        symbols, terms = set(term.free_symbols), [term]
        apart = [part for part in parts if not part[0] & symbols]
        for known, own in parts:
            if known & symbols:
                symbols, terms = symbols | known, own + terms
        parts = [*apart, (symbols, terms)]
    if len(parts) < 2:
        return total
    return sympy.Add(
        *(factored(sympy.Add(*ts)) if len(ts) > 2 else sympy.Add(*ts) for _, ts in parts)
    )


def factored(formula: sympy.Expr) -> sympy.Expr:
    """`sympy.factor`, but for sums that have no factors, on which it can take hours.

    In several variables SymPy lifts the factors of a polynomial in one variable, for which it puts
    numbers in place of the others. Where these are no factors of the whole, the lifting goes on
    almost for ever. So the whole must have factors at three other points first.

    !!! example
        >>> a, b, c = sympy.symbols("a b c")
        >>> factored(a * c + b * c)
        c*(a + b)
    """
    parts = sympy.fraction(sympy.together(formula))
    if all(_is_small(part) for part in parts):
        return sympy.factor(formula)
    return _factored_sum(parts[0]) / _factored_sum(parts[1])


def _cancelled(formula: sympy.Expr) -> sympy.Expr:
    """`sympy.cancel`, but for quotients of very large polynomials."""
    parts = sympy.fraction(sympy.together(formula))
    return formula if any(_is_large(_primitive(part)) for part in parts) else sympy.cancel(formula)


def _is_small(formula: sympy.Expr) -> bool:
    rest = _primitive(formula)
    return rest.is_ground or len(rest.gens) * rest.total_degree() <= _SIZE


def _is_large(polynomial: sympy.Poly) -> bool:
    return math.prod(polynomial.degree(g) + 1 for g in polynomial.gens) > _LARGEST


def _primitive(formula: sympy.Expr) -> sympy.Poly:
    """A formula as a polynomial in the variables it has, none of which divides it."""
    variables = () if formula.free_symbols else (sympy.Dummy(),)
    return sympy.Poly(formula, *variables).terms_gcd()[1].exclude()


def _factored_sum(formula: sympy.Expr) -> sympy.Expr:
    if not formula.free_symbols:
        return formula
    if formula.is_Mul or (formula.is_Pow and formula.exp.is_Integer):  # not to be multiplied out
        return formula.func(*map(_factored_sum, formula.args))
    roots = {}  # a symbol for each root, so that y + √y is a polynomial in √y
    for symbol in formula.free_symbols:
        powers = [p.exp for p in formula.atoms(sympy.Pow) if p.base == symbol]
        roots[symbol] = math.lcm(*(p.q for p in powers if p.is_Rational))
    symbols = {symbol: sympy.Dummy(positive=True) for symbol in roots}
    inside = formula.subs({s: t ** roots[s] for s, t in symbols.items()})
    if not inside.free_symbols:  # the sign of a positive symbol is 1
        return formula
    whole = sympy.Poly(inside)
    # What else is not whole, such as the root of a sum, is a symbol as well.
    names = {g: g if g.is_Symbol else sympy.Dummy() for g in whole.gens}
    found = _factored_polynomial(sympy.Poly.from_dict(whole.as_dict(), *names.values()))
    found = found.xreplace({name: g for g, name in names.items()})
    return found.xreplace({t: s ** sympy.Rational(1, roots[s]) for s, t in symbols.items()})


def _factored_polynomial(whole: sympy.Poly) -> sympy.Expr:
    powers, rest = whole.terms_gcd()
    monomial = sympy.Mul(*(g**n for g, n in zip(whole.gens, powers, strict=True)))
    rest = rest.exclude()
    if rest.is_ground or len(rest.gens) == 1:
        return monomial * sympy.factor(rest.as_expr())
    if _is_large(rest):
        return monomial * rest.as_expr()
    variable = min(rest.gens, key=lambda g: rest.degree(g))
    content, primitive = sympy.Poly(rest.as_expr(), variable).primitive()
    expression = primitive.as_expr()
    if sympy.Poly(expression, *rest.gens).LC() < 0:
        content, expression = -content, -expression
    if primitive.degree() > 1 and _factors_at_points(primitive):
        expression = sympy.factor(expression)
    content = sympy.sympify(content)
    if content.free_symbols:
        content = _factored_polynomial(sympy.Poly(content))
    return monomial * content * expression


def _factors_at_points(polynomial: sympy.Poly) -> bool:
    """Whether it has factors wherever numbers take the place of all variables but its own."""
    others = sorted(polynomial.free_symbols_in_domain, key=sympy.default_sort_key)
    for first in (2, 5, 11):
        numbers = {symbol: first + 3 * i * i for i, symbol in enumerate(others)}
        image = sympy.Poly(polynomial.as_expr().subs(numbers), polynomial.gen)
        if image.degree() == polynomial.degree() and image.is_irreducible:
            return False
    return True


def _constants_as_symbols(formula: sympy.Expr):
    """Replace fitted constants by positive symbols, because factoring floats is not exact."""
    found = formula.atoms(sympy.Float)
    symbols = {size: sympy.Dummy(positive=True) for size in {abs(f) for f in found}}
    forward = {f: symbols[abs(f)] * (1 if f > 0 else -1) for f in found}
    back = {symbol: size for size, symbol in symbols.items()}
    return formula.xreplace(forward), back


def signed_power(base: sympy.Expr, exponent: sympy.Expr, odd: bool) -> sympy.Expr:
    """|base|**exponent, with the sign of the base if `odd`: real for a fitted exponent.

    !!! example
        >>> x = sympy.Symbol("x", real=True)
        >>> signed_powers(signed_power(x, sympy.Integer(3), True))
        x**3
    """
    if base.is_positive:
        return base**exponent
    return sympy.Abs(base) ** exponent * (sympy.sign(base) if odd else 1)


def signed_powers(formula: sympy.Expr) -> sympy.Expr:
    """Write |x|**n·sign(x) as x**n where n is an odd integer.

    !!! example
        >>> x = sympy.Symbol("x", real=True)
        >>> signed_powers(2 * abs(x)**3 * sympy.sign(x))
        2*x**3
    """
    return formula.replace(lambda e: e.is_Mul and e.has(sympy.sign), _merge_signs)


def _merge_signs(product: sympy.Expr) -> sympy.Expr:
    factors = list(product.args)
    for sign in [f for f in factors if isinstance(f, sympy.sign)]:
        inside = sign.args[0]
        for index, factor in enumerate(factors):
            base, exponent = factor.as_base_exp()
            if base == sympy.Abs(inside) and exponent.is_Integer and exponent % 2:
                factors[index] = inside**exponent
                factors.remove(sign)
                break
    return sympy.Mul(*factors)
