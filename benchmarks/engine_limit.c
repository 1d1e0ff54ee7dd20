/* NALU 2 -> 1 learning a*b with Adam: the same work as the engine, by hand.
 *
 * One thread trains one seed at a time; the batch of 128 examples is the vector axis. Compiled with
 * -O3 -march=native -ffast-math -fopenmp, so that the compiler may use the SIMD exp and log of libm.
 * Usage: engine_limit SEEDS STEPS  ->  "SECONDS MEAN_LOSS" */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 128, PARAMETERS = 6 };
static const float EPS = 1e-7f, RATE = 1e-3f, BETA1 = 0.9f, BETA2 = 0.999f, ADAM_EPS = 1e-8f;

static inline uint32_t mix(uint32_t h) { /* lowbias32 of the public-domain hash-prospector */
    h ^= h >> 16; h *= 0x21f0aaadu; h ^= h >> 15; h *= 0xd35a2d97u; h ^= h >> 15;
    return h;
}

static inline float logistic(float z) { return 1.0f / (1.0f + expf(-z)); }

/* p = (W_hat0, W_hat1, M_hat0, M_hat1, G0, G1); returns the loss, writes its gradient. */
static float loss_and_gradient(const float *p, uint32_t key, float *gradient) {
    const float t0 = tanhf(p[0]), t1 = tanhf(p[1]), s0 = logistic(p[2]), s1 = logistic(p[3]);
    const float w0 = t0 * s0, w1 = t1 * s1, g0 = p[4], g1 = p[5];
    float loss = 0, dw0 = 0, dw1 = 0, dg0 = 0, dg1 = 0;
#pragma omp simd reduction(+ : loss, dw0, dw1, dg0, dg1)
    for (int i = 0; i < BATCH; i++) {
        const float x0 = 1.0f + (float)(mix(key + (uint32_t)i) >> 8) * 0x1p-24f;
        const float x1 = 1.0f + (float)(mix(key + (uint32_t)(BATCH + i)) >> 8) * 0x1p-24f;
        const float l0 = logf(fabsf(x0) + EPS), l1 = logf(fabsf(x1) + EPS);
        const float a = w0 * x0 + w1 * x1, m = expf(w0 * l0 + w1 * l1);
        const float g = 1.0f / (1.0f + expf(-(g0 * x0 + g1 * x1)));
        const float r = g * a + (1.0f - g) * m - x0 * x1;
        const float dy = 2.0f / BATCH * r, da = dy * g, dm = dy * (1.0f - g) * m;
        const float dz = dy * (a - m) * g * (1.0f - g);
        loss += r * r;
        dw0 += da * x0 + dm * l0;
        dw1 += da * x1 + dm * l1;
        dg0 += dz * x0;
        dg1 += dz * x1;
    }
    gradient[0] = dw0 * (1.0f - t0 * t0) * s0;
    gradient[1] = dw1 * (1.0f - t1 * t1) * s1;
    gradient[2] = dw0 * t0 * s0 * (1.0f - s0);
    gradient[3] = dw1 * t1 * s1 * (1.0f - s1);
    gradient[4] = dg0;
    gradient[5] = dg1;
    return loss / BATCH;
}

static float train(uint32_t seed, int steps) {
    float p[PARAMETERS], m[PARAMETERS] = {0}, v[PARAMETERS] = {0}, gradient[PARAMETERS];
    float loss = 0, power1 = 1, power2 = 1;
    for (int k = 0; k < PARAMETERS; k++)
        p[k] = (float)(mix(seed * 64u + (uint32_t)k + 1u) >> 8) * 0x1p-24f - 0.5f;
    for (int step = 0; step < steps; step++) {
        loss = loss_and_gradient(p, mix(seed ^ mix((uint32_t)step)), gradient);
        power1 *= BETA1;
        power2 *= BETA2;
        const float scale1 = 1.0f / (1.0f - power1), scale2 = 1.0f / (1.0f - power2);
        for (int k = 0; k < PARAMETERS; k++) {
            m[k] = BETA1 * m[k] + (1.0f - BETA1) * gradient[k];
            v[k] = BETA2 * v[k] + (1.0f - BETA2) * gradient[k] * gradient[k];
            p[k] -= RATE * (m[k] * scale1) / (sqrtf(v[k] * scale2) + ADAM_EPS);
        }
    }
    return loss;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    const int seeds = atoi(arguments[1]), steps = atoi(arguments[2]);
    double total = 0;
    const double start = omp_get_wtime();
#pragma omp parallel for schedule(dynamic) reduction(+ : total)
    for (int seed = 0; seed < seeds; seed++) total += train((uint32_t)seed, steps);
    printf("%.9f %.9g\n", omp_get_wtime() - start, total / seeds);
    return 0;
}
