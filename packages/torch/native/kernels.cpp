// Operators of our own, where libtorch has none that is fast: septum::group_norm_silu.
//
// libtorch's group norm is slow on channels-last tensors with few channels a group, and SiLU after it is one
// more pass over memory in each direction. Here both are one operator: two passes forward (moments,
// output), two backward (sums, gradient), channels innermost, so that every loop runs over contiguous floats.
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>
#include <cstring>

#include "bridge.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-math-errno", "no-trapping-math")
#endif
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SEPTUM_X86
#endif
#define SEPTUM_INLINE inline __attribute__((always_inline))

namespace septum {
namespace {

constexpr int64_t kMaxChannels = 4096;

/// The inner loops, by instruction set (tile-loops.inl).
struct TileLoops {
  void (*moments)(const float*, int64_t, int64_t, float*, float*);
  void (*affine)(const float*, float*, int64_t, int64_t, const float*, const float*);
  void (*affineSilu)(const float*, float*, int64_t, int64_t, const float*, const float*);
  void (*siluGradient)(const float*, const float*, float*, int64_t, int64_t, const float*, const float*, float*, float*);
  void (*gradientSums)(const float*, const float*, int64_t, int64_t, float*, float*);
  void (*inputGradient)(const float*, const float*, float*, int64_t, int64_t, const float*, const float*, const float*);
};

#pragma GCC push_options
#if defined(__GNUC__) && !defined(__clang__)
// Else the clamp of fastExp becomes branches with a division each. NaN still passes through the products.
#pragma GCC optimize("finite-math-only", "no-signed-zeros")
#endif
namespace plain {
#include "tile-loops.inl"
}
#ifdef SEPTUM_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#include "tile-loops.inl"
}
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,fma,prefer-vector-width=512")
namespace avx512 {
#include "tile-loops.inl"
}
#pragma GCC pop_options
#endif
#pragma GCC pop_options

/// The widest loops that this processor runs. target_clones would choose too, but never uses 512-bit vectors.
const TileLoops& loops() {
#ifdef SEPTUM_X86
  static const TileLoops& chosen = __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma")
                                       ? avx512::kLoops
                                   : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2::kLoops
                                                                                                     : plain::kLoops;
  return chosen;
#else
  return plain::kLoops;
#endif
}

constexpr int64_t kTile = 256;
/// Floats that one block sums up before the sums go on in double precision.
constexpr int64_t kBlockFloats = 1 << 14;

/// A channels-last tensor as samples of tiles, with a last tile that may be shorter (still whole rows).
struct Layout {
  int64_t samples, channels, rows, groups, tile, floats, block;
  Layout(const at::Tensor& x, int64_t g) : samples(x.size(0)), channels(x.size(1)), rows(x.size(2) * x.size(3)), groups(g) {
    tile = channels * std::max<int64_t>(1, kTile / channels);
    floats = rows * channels;
    block = tile * std::max<int64_t>(1, kBlockFloats / tile);
  }
  int64_t blocks() const { return (floats + block - 1) / block; }
};

/// Repeats one value a channel over a tile, for every sample.
std::vector<float> tiled(const Layout& l, const std::vector<float>& perChannel) {
  std::vector<float> out(static_cast<size_t>(l.samples * l.tile));
  for (int64_t n = 0; n < l.samples; ++n) {
    for (int64_t i = 0; i < l.tile; ++i) out[n * l.tile + i] = perChannel[n * l.channels + i % l.channels];
  }
  return out;
}

/// Calls body(sample, offset, tiles, tile width, block number) over all blocks, in parallel.
template <typename Body>
void forTiles(const Layout& l, const Body& body) {
  const int64_t blocks = l.blocks();
  at::parallel_for(0, l.samples * blocks, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t first = (i % blocks) * l.block;
      const int64_t length = std::min(l.block, l.floats - first);
      const int64_t whole = length / l.tile;
      const int64_t offset = (i / blocks) * l.floats + first;
      if (whole > 0) body(i / blocks, offset, whole, l.tile, i);
      if (const int64_t rest = length % l.tile) body(i / blocks, offset + whole * l.tile, 1, rest, i);
    }
  });
}

/// Two sums for every block, tile-wide; added up per channel in double precision.
struct PartialSums {
  const Layout& l;
  std::vector<float> values;
  explicit PartialSums(const Layout& layout)
      : l(layout), values(static_cast<size_t>(layout.samples * layout.blocks() * 2 * layout.tile), 0.0f) {}
  float* first(int64_t block) { return values.data() + block * 2 * l.tile; }
  float* second(int64_t block) { return first(block) + l.tile; }
  void channelSums(int64_t sample, std::vector<double>& a, std::vector<double>& b) {
    std::fill(a.begin(), a.end(), 0.0);
    std::fill(b.begin(), b.end(), 0.0);
    for (int64_t block = sample * l.blocks(); block < (sample + 1) * l.blocks(); ++block) {
      for (int64_t i = 0; i < l.tile; ++i) {
        a[i % l.channels] += first(block)[i];
        b[i % l.channels] += second(block)[i];
      }
    }
  }
};

/// y = silu(x a + b), where a and b follow from the moments of each group. @returns y, mean and 1 / std [N, G]
std::tuple<at::Tensor, at::Tensor, at::Tensor> forwardKernel(const at::Tensor& x, int64_t groups, const at::Tensor& weight,
                                                             const at::Tensor& bias, double eps, bool silu) {
  const Layout l(x, groups);
  const int64_t c = l.channels, width = c / groups;
  at::Tensor y = at::empty_like(x);
  at::Tensor mean = at::empty({l.samples, groups}, x.options().memory_format(c10::MemoryFormat::Contiguous));
  at::Tensor rstd = at::empty_like(mean);
  const float* in = x.data_ptr<float>();
  float* out = y.data_ptr<float>();
  const float* w = weight.data_ptr<float>();
  const float* shift = bias.data_ptr<float>();
  float* m = mean.data_ptr<float>();
  float* r = rstd.data_ptr<float>();

  PartialSums sums(l);
  forTiles(l, [&](int64_t, int64_t offset, int64_t tiles, int64_t tile, int64_t block) {
    loops().moments(in + offset, tiles, tile, sums.first(block), sums.second(block));
  });
  std::vector<double> sum(static_cast<size_t>(c)), square(sum);
  std::vector<float> a(static_cast<size_t>(l.samples * c)), b(a);
  for (int64_t n = 0; n < l.samples; ++n) {
    sums.channelSums(n, sum, square);
    for (int64_t g = 0; g < groups; ++g) {
      double total = 0, squares = 0;
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        total += sum[k];
        squares += square[k];
      }
      const double count = static_cast<double>(width * l.rows);
      const double mu = total / count;
      const double inv = 1.0 / std::sqrt(std::max(squares / count - mu * mu, 0.0) + eps);
      m[n * groups + g] = static_cast<float>(mu);
      r[n * groups + g] = static_cast<float>(inv);
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        a[n * c + k] = static_cast<float>(w[k] * inv);
        b[n * c + k] = static_cast<float>(shift[k] - mu * w[k] * inv);
      }
    }
  }
  const std::vector<float> ta = tiled(l, a), tb = tiled(l, b);
  forTiles(l, [&](int64_t n, int64_t offset, int64_t tiles, int64_t tile, int64_t) {
    (silu ? loops().affineSilu : loops().affine)(in + offset, out + offset, tiles, tile, ta.data() + n * l.tile, tb.data() + n * l.tile);
  });
  return {y, mean, rstd};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> backwardKernel(const at::Tensor& dy, const at::Tensor& x, int64_t groups,
                                                              const at::Tensor& weight, const at::Tensor& bias,
                                                              const at::Tensor& mean, const at::Tensor& rstd, bool silu) {
  const Layout l(x, groups);
  const int64_t c = l.channels, width = c / groups;
  at::Tensor dx = at::empty_like(x);
  at::Tensor dw = at::empty_like(weight);
  at::Tensor db = at::empty_like(bias);
  const float* in = x.data_ptr<float>();
  const float* upstream = dy.data_ptr<float>();
  float* out = dx.data_ptr<float>();
  const float* w = weight.data_ptr<float>();
  const float* shift = bias.data_ptr<float>();
  const float* m = mean.data_ptr<float>();
  const float* r = rstd.data_ptr<float>();

  std::vector<float> a(static_cast<size_t>(l.samples * c)), b(a);
  for (int64_t n = 0; n < l.samples; ++n) {
    for (int64_t k = 0; k < c; ++k) {
      const int64_t g = n * groups + k / width;
      a[n * c + k] = w[k] * r[g];
      b[n * c + k] = shift[k] - m[g] * a[n * c + k];
    }
  }
  PartialSums sums(l);
  {
    const std::vector<float> ta = tiled(l, a), tb = tiled(l, b);
    forTiles(l, [&](int64_t n, int64_t offset, int64_t tiles, int64_t tile, int64_t block) {
      if (silu) {
        loops().siluGradient(in + offset, upstream + offset, out + offset, tiles, tile, ta.data() + n * l.tile,
                          tb.data() + n * l.tile, sums.first(block), sums.second(block));
      } else {
        loops().gradientSums(in + offset, upstream + offset, tiles, tile, sums.first(block), sums.second(block));
      }
    });
  }
  std::vector<double> dwSum(static_cast<size_t>(c), 0), dbSum(dwSum), sum(dwSum), product(dwSum);
  std::vector<float> p(a.size()), q(a.size()), s(a.size());
  for (int64_t n = 0; n < l.samples; ++n) {
    sums.channelSums(n, sum, product);
    for (int64_t g = 0; g < groups; ++g) {
      const double mu = m[n * groups + g], inv = r[n * groups + g], count = static_cast<double>(width * l.rows);
      double ds = 0, dbias = 0;
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        ds += w[k] * product[k];
        dbias += w[k] * sum[k];
        dbSum[k] += sum[k];
        dwSum[k] += (product[k] - mu * sum[k]) * inv;
      }
      const double slope = (dbias * mu - ds) * inv * inv * inv / count;
      const double rest = -slope * mu - dbias * inv / count;
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        p[n * c + k] = static_cast<float>(w[k] * inv);
        q[n * c + k] = static_cast<float>(slope);
        s[n * c + k] = static_cast<float>(rest);
      }
    }
  }
  for (int64_t k = 0; k < c; ++k) {
    dw.data_ptr<float>()[k] = static_cast<float>(dwSum[k]);
    db.data_ptr<float>()[k] = static_cast<float>(dbSum[k]);
  }
  const std::vector<float> tp = tiled(l, p), tq = tiled(l, q), ts = tiled(l, s);
  forTiles(l, [&](int64_t n, int64_t offset, int64_t tiles, int64_t tile, int64_t) {
    loops().inputGradient(in + offset, (silu ? out : upstream) + offset, out + offset, tiles, tile, tp.data() + n * l.tile,
                       tq.data() + n * l.tile, ts.data() + n * l.tile);
  });
  return {dx, dw, db};
}

/// Whether the kernel above takes this tensor; anything else goes through libtorch's own operators.
bool suits(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return x.device().is_cpu() && x.scalar_type() == c10::kFloat && x.dim() == 4 && x.numel() > 0 &&
         weight.scalar_type() == c10::kFloat && bias.scalar_type() == c10::kFloat && weight.is_contiguous() &&
         bias.is_contiguous() && x.size(1) <= kMaxChannels && x.is_contiguous(c10::MemoryFormat::ChannelsLast);
}

struct GroupNormSilu : torch::autograd::Function<GroupNormSilu> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, int64_t groups,
                            const at::Tensor& weight, const at::Tensor& bias, double eps, bool silu) {
    auto [y, mean, rstd] = forwardKernel(x, groups, weight, bias, eps, silu);
    context->save_for_backward({x, weight, bias, mean, rstd});
    context->saved_data["groups"] = groups;
    context->saved_data["silu"] = silu;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = gradients[0].contiguous(c10::MemoryFormat::ChannelsLast);
    auto [dx, dw, db] = backwardKernel(dy, saved[0], context->saved_data["groups"].toInt(), saved[1], saved[2], saved[3],
                                       saved[4], context->saved_data["silu"].toBool());
    return {dx, at::Tensor(), dw, db, at::Tensor(), at::Tensor()};
  }
};

at::Tensor groupNormSilu(const at::Tensor& x, int64_t groups, const at::Tensor& weight, const at::Tensor& bias, double eps,
                         bool silu) {
  TORCH_CHECK(x.dim() >= 2 && groups >= 1 && x.size(1) % groups == 0, "cannot split ", x.sizes(), " into ", groups,
              " groups of channels");
  TORCH_CHECK(weight.dim() == 1 && weight.size(0) == x.size(1) && bias.sizes() == weight.sizes(),
              "weight and bias need one value for each of ", x.size(1), " channels");
  if (!suits(x, weight, bias)) {
    const at::Tensor normed = at::group_norm(x, groups, weight, bias, eps);
    return silu ? at::silu(normed) : normed;
  }
  const bool recorded = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());
  if (!recorded) return std::get<0>(forwardKernel(x, groups, weight, bias, eps, silu));
  return GroupNormSilu::apply(x, groups, weight, bias, eps, silu);
}

}  // namespace
}  // namespace septum

TORCH_LIBRARY(septum, library) {
  library.def("group_norm_silu(Tensor x, int groups, Tensor weight, Tensor bias, float eps, bool silu) -> Tensor",
              septum::groupNormSilu);
}
