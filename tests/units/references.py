"""The units in NumPy float64, one output and one input at a time, from the papers' equations.

Each takes the fields of a unit by name (p), one example (x) and the machine epsilon or the ε of the
unit (eps), and shares no code with the package.
"""

import cmath
import math

import numpy as np


def logistic(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def nac_weight(w_hat, m_hat):
    return np.vectorize(lambda w, m: math.tanh(w) * logistic(m), otypes=[float])(w_hat, m_hat)


def sums(weight, x):
    return np.array([math.fsum(w * v for w, v in zip(row, x, strict=True)) for row in weight])


def products(weight, x, eps):
    return np.array(
        [math.prod((abs(v) + eps) ** w for w, v in zip(row, x, strict=True)) for row in weight]
    )


def nac(p, x, eps):
    return sums(nac_weight(p["w_hat"], p["m_hat"]), x)


def nacmul(p, x, eps):
    return products(nac_weight(p["w_hat"], p["m_hat"]), x, eps)


def _gated(sum_weight, product_weight, gate_weight, x, eps):
    gate = np.array([logistic(s) for s in sums(gate_weight, x)])
    return gate * sums(sum_weight, x) + (1 - gate) * products(product_weight, x, eps)


def nalu(p, x, eps):
    weight = nac_weight(p["w_hat"], p["m_hat"])
    return _gated(weight, weight, p["gate_weight"], x, eps)


def naluscalargate(p, x, eps):
    weight = nac_weight(p["w_hat"], p["m_hat"])
    return _gated(weight, weight, np.repeat(p["gate_weight"], len(weight), axis=0), x, eps)


def naluuntied(p, x, eps):
    weight = nac_weight(p["w_hat"], p["m_hat"])
    return _gated(weight[0], weight[1], p["gate_weight"], x, eps)


def clipped(w, low, high):
    return np.minimum(np.maximum(w, low), high)


def nau(p, x, eps):
    return sums(clipped(p["w_hat"], -1, 1), x)


def affine_products(weight, x):
    return np.array(
        [math.prod(w * v + 1 - w for w, v in zip(row, x, strict=True)) for row in weight]
    )


def nmu(p, x, eps):
    return affine_products(p["w_hat"], x)


def nmru(p, x, eps):
    return affine_products(np.concatenate(p["w_hat"], axis=1), [*x, *(1 / v for v in x)])


def signnmru(p, x, eps):
    weight, z = np.concatenate(p["w_hat"], axis=1), [*x, *(1 / v for v in x)]
    turns = [math.fsum(w for w, v in zip(row, z, strict=True) if v < 0) for row in weight]
    return affine_products(weight, np.abs(z)) * np.cos(np.pi * np.array(turns))


def clamped_products(weight, x, eps, omega):
    def clamped(row):
        logarithms = [math.log(max(abs(v), eps)) for v in x]
        return math.exp(min(sum(w * v for w, v in zip(row, logarithms, strict=True)), omega))

    return np.array([clamped(row) for row in weight])


def mixed_signs(weight, x):
    """One factor for each pair of an output and an input, whose weight is W[o, i]."""
    signs = np.ones(len(weight))
    for o in range(len(weight)):
        for i in range(len(x)):
            selected = abs(weight[o, i])
            signs[o] *= selected * np.sign(x[i]) + (1 - selected)
    return np.minimum(np.maximum(signs, -1), 1)


def _inalu(sum_weight, product_weight, p, x):
    gate = np.array([logistic(v) for v in p["gate_weight"]])
    product = clamped_products(product_weight, x, p["eps"], p["omega"])
    return gate * sums(sum_weight, x) + (1 - gate) * product * mixed_signs(product_weight, x)


def inalu(p, x, eps):
    return _inalu(*nac_weight(p["w_hat"], p["m_hat"]), p, x)


def inalushared(p, x, eps):
    weight = nac_weight(p["w_hat"], p["m_hat"])
    return _inalu(weight, weight, p, x)


def snalu(p, x, eps):
    weight, gate = nac_weight(p["w_hat"], p["m_hat"]), logistic(p["gate_weight"][0])
    sign = math.prod(np.sign(v) for v in x)
    return gate * sums(weight, x) + (1 - gate) * sign * products(weight, x, eps)


PHI = (1 + math.sqrt(5)) / 2


def golden_weight(w_hat, m_hat):
    def weight(w, m):
        return (PHI ** (2 * w) - 1) / (PHI ** (2 * w) + 1) / (1 + PHI**-m)

    return np.vectorize(weight, otypes=[float])(w_hat, m_hat)


def gnac(p, x, eps):
    return sums(golden_weight(p["w_hat"], p["m_hat"]), x)


def gnalu(p, x, eps):
    weight = golden_weight(p["w_hat"], p["m_hat"])
    gate = np.array([1 / (1 + PHI**-s) for s in sums(p["gate_weight"], np.abs(x))])
    logarithms = [math.log(abs(v) + eps, PHI) for v in x]
    return gate * sums(weight, x) + (1 - gate) * PHI ** sums(weight, logarithms)


def nru(p, x, eps):
    def factor(w, v):
        return np.sign(v) * abs(v) ** w * abs(w) + 1 - abs(w)

    return np.array(
        [math.prod(factor(w, v) for w, v in zip(row, x, strict=True)) for row in p["w_hat"]]
    )


def complex_powers(exponents, gate, x, eps):
    """The real part of Π_i z_i^w_oi, with z_i = r_i exp(i k_i), in complex arithmetic."""
    gate = [min(max(g, 0.0), 1.0) for g in gate]
    z = [
        cmath.rect(g * (abs(v) + eps) + 1 - g, math.pi * g if v < 0 else 0.0)
        for g, v in zip(gate, x, strict=True)
    ]
    powers = [math.prod(n**w for w, n in zip(row, z, strict=True)) for row in exponents]
    return np.real(powers)


def npu(p, x, eps):
    return complex_powers(p["w_real"] + 1j * p["w_imag"], p["gate_hat"], x, eps)


def realnpu(p, x, eps):
    return complex_powers(p["w_hat"], p["gate_hat"], x, eps)


def hillspaceproduct(p, x, eps):
    weight = nac_weight(p["w_hat"], p["m_hat"])
    return complex_powers(weight, np.ones(len(x)), x, eps)


def shares(logits):
    """The softmax of a list of numbers."""
    powers = [math.exp(v - max(logits)) for v in logits]
    return [p / math.fsum(powers) for p in powers]


def mass_weights(p):
    """J, each input's shares of the outputs without the trash; and o, the outputs' gates."""
    outs = len(p["gate_weight"])
    columns = [shares(list(column))[:outs] for column in p["w_hat"].T]
    junction = np.array(columns).reshape(len(columns), outs).T
    gates = [logistic(w + b) for w, b in zip(p["gate_weight"], p["gate_bias"], strict=True)]
    return junction, gates


def mcfc(p, x, eps):
    junction, gates = mass_weights(p)
    return np.array(gates) * sums(junction, x)


def mulmcfc(p, x, eps):
    junction, gates = mass_weights(p)
    rows = [[gate * share for share in row] for gate, row in zip(gates, junction, strict=True)]
    return products(rows, x, eps) * np.array([math.exp(c) for c in p["bias"]])


def mulmcfcsigninalu(p, x, eps):
    junction, _ = mass_weights(p)
    signs = [
        math.prod(share * float(np.sign(v)) + 1 - share for share, v in zip(row, x, strict=True))
        for row in junction
    ]
    return np.array(signs) * mulmcfc(p, x, eps)


def mulmcfcsignrealnpu(p, x, eps):
    junction, _ = mass_weights(p)
    gate = clipped(p["sign_gate"], 0, 1)
    angles = [
        math.pi * math.fsum(share * g for share, g, v in zip(row, gate, x, strict=True) if v < 0)
        for row in junction
    ]
    return np.array([math.cos(angle) for angle in angles]) * mulmcfc(p, x, eps)


def nsr(p, x, eps):
    truths = []
    for o in range(p["out_features"]):
        total = p["bias"][o]
        for r in range(p["redundancy"]):
            chosen = [shares(list(p["w_hat"][k, r, o])) if len(x) else [] for k in (0, 1)]
            u, v = (math.fsum(w * f for w, f in zip(row, x, strict=True)) for row in chosen)
            sign = math.tanh(p["zeta"] * (u - v) / p["scale"])
            zero = 1 - 2 * sign**2
            total += p["sign_weight"][o, r] * sign + p["zero_weight"][o, r] * zero
        truths.append(logistic(total))
    return np.array(truths)


def nlrl(p, x, eps):
    outputs = []
    for ws, ns, g in zip(p["w_hat"], p["n_hat"], p["gate_weight"], strict=True):
        every, none = 1.0, 1.0
        for w, n, v in zip(ws, ns, clipped(x, 0, 1), strict=True):
            literal = (1 - logistic(n)) * v + logistic(n) * (1 - v)
            every *= (literal + eps) ** logistic(w)
            none *= (1 - literal + eps) ** logistic(w)
        outputs.append((1 - logistic(g)) * every + logistic(g) * (1 - none))
    return np.array(outputs)


def linear(p, x, eps):
    return sums(p["w_hat"], x) + (0 if p["bias"] is None else p["bias"])


def mlp(p, x, eps):
    """With a ReLU."""
    *hidden, (weight, bias) = zip(p["weights"], p["biases"], strict=True)
    for w, c in hidden:
        x = [max(v, 0.0) for v in sums(w, x) + c]
    return sums(weight, x) + bias


def nasu(p, x, eps):
    """The branch of `choice`: a sum, a product, and either with integer weights."""
    z = [*x, *(1 / v for v in x)]
    outputs = []
    for o, choice in enumerate(p["choice"]):
        of_sum = clipped(p["sum_hat"][o], -1, 1)
        of_product = [*p["product_hat"][0][o], *p["product_hat"][1][o]]
        if choice in (1, 3):
            of_sum, of_product = np.round(of_sum), np.round(of_product)
        n = len(x)
        minus = sum(1 for i in range(n) if x[i] < 0 and round(sum(of_product[i::n])) % 2 == 1)
        size = math.prod(w * abs(v) + 1 - w for w, v in zip(of_product, z, strict=True))
        total = math.fsum(w * v for w, v in zip(of_sum, x, strict=True))
        outputs.append(total if choice < 2 else size * (-1) ** minus)
    return np.array(outputs)


snmu = nmu  # without its noise
realnpumodified = realnpu
hillspacesum = nac
