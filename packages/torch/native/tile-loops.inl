// The inner loops of group_norm_silu. kernels.cpp includes this file once for each instruction set, in a
// namespace of its own with the compiler's target set to it.

// The loops run over tiles of whole rows: `tile` floats, a multiple of the channels, so that layers with 8
// channels fill vector registers as well as layers with 256. `a`, `b`, sums have one entry for each float of a tile.

/// e^x within 2 units in the last place for |x| < 87, by 2^n times a polynomial on [-ln2/2, ln2/2].
/// Straight-line code, so that the loops around it become vector instructions.
SEPTUM_INLINE float fastExp(float x) {
  x = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
  const float shifted = x * 1.44269504f + 12582912.0f;  // the low bits now hold round(x / ln 2)
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4B400000 + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

/// Sums of x and x² over `tiles` tiles.
void tileMoments(const float* __restrict x, int64_t tiles, int64_t tile, float* __restrict sum,
                 float* __restrict square) {
  for (int64_t t = 0; t < tiles; ++t, x += tile) {
    for (int64_t c = 0; c < tile; ++c) {
      sum[c] += x[c];
      square[c] += x[c] * x[c];
    }
  }
}

void affineTiles(const float* __restrict x, float* __restrict y, int64_t tiles, int64_t tile,
                 const float* __restrict a, const float* __restrict b) {
  for (int64_t t = 0; t < tiles; ++t, x += tile, y += tile) {
    for (int64_t c = 0; c < tile; ++c) y[c] = x[c] * a[c] + b[c];
  }
}

void affineSiluTiles(const float* __restrict x, float* __restrict y, int64_t tiles, int64_t tile,
                     const float* __restrict a, const float* __restrict b) {
  for (int64_t t = 0; t < tiles; ++t, x += tile, y += tile) {
    for (int64_t c = 0; c < tile; ++c) {
      const float z = x[c] * a[c] + b[c];
      y[c] = z / (1.0f + fastExp(-z));
    }
  }
}

/// dz = dy silu'(x a + b) into `dz`, and the sums of dz and dz x.
void siluGradientTiles(const float* __restrict x, const float* __restrict dy, float* __restrict dz,
                       int64_t tiles, int64_t tile, const float* __restrict a, const float* __restrict b,
                       float* __restrict sum, float* __restrict product) {
  for (int64_t t = 0; t < tiles; ++t, x += tile, dy += tile, dz += tile) {
    for (int64_t c = 0; c < tile; ++c) {
      const float z = x[c] * a[c] + b[c];
      const float s = 1.0f / (1.0f + fastExp(-z));
      dz[c] = dy[c] * (s + z * s * (1.0f - s));
    }
    // A loop of its own: with the sums in the loop above the compiler makes no full vectors of it.
    for (int64_t c = 0; c < tile; ++c) {
      sum[c] += dz[c];
      product[c] += dz[c] * x[c];
    }
  }
}

void gradientSums(const float* __restrict x, const float* __restrict dy, int64_t tiles, int64_t tile,
                  float* __restrict sum, float* __restrict product) {
  for (int64_t t = 0; t < tiles; ++t, x += tile, dy += tile) {
    for (int64_t c = 0; c < tile; ++c) {
      sum[c] += dy[c];
      product[c] += dy[c] * x[c];
    }
  }
}

/// dx = p dz + q x + r; dz may be dx.
void inputGradientTiles(const float* __restrict x, const float* dz, float* dx, int64_t tiles, int64_t tile,
                        const float* __restrict p, const float* __restrict q, const float* __restrict r) {
  for (int64_t t = 0; t < tiles; ++t, x += tile, dz += tile, dx += tile) {
#pragma GCC ivdep
    for (int64_t c = 0; c < tile; ++c) dx[c] = p[c] * dz[c] + q[c] * x[c] + r[c];
  }
}

constexpr TileLoops kLoops{tileMoments, affineTiles, affineSiluTiles, siluGradientTiles, gradientSums, inputGradientTiles};
