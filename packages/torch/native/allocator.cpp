// A CPU allocator that keeps freed blocks for the next step.
//
// Training makes and frees the same large temporaries every step. glibc gives blocks of more than 32 MB, and
// often smaller ones, back to the kernel at each free; the kernel then clears every page again at the next
// use, which costs as much as the arithmetic of a normalisation layer. Blocks wait here instead, by size class.
#include <c10/core/CPUAllocator.h>
#include <torch/version.h>
#include <sys/mman.h>

#include <cstdlib>
#include <map>

#include "bridge.hpp"

namespace septum {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = 2 << 20;
constexpr size_t kSmallest = 64 << 10;  // below this malloc is as good
constexpr size_t kSlack = 64 << 20;

/// Eight classes for each power of two: at most an eighth of a block is wasted.
size_t sizeClass(size_t bytes) {
  const int log = 63 - __builtin_clzll(bytes);
  const size_t step = size_t{1} << (log - 3);
  return (bytes + step - 1) / step * step;
}

class KeepingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) const override {
    if (bytes == 0) return {nullptr, nullptr, &release, c10::Device(c10::DeviceType::CPU)};
    void* data = const_cast<KeepingAllocator*>(this)->take(bytes);
    return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
#if TORCH_VERSION_MAJOR >= 2
  void copy_data(void* to, const void* from, std::size_t count) const override { default_copy_data(to, from, count); }
#endif

  void limit(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    limit_ = bytes;
    evictTo(limit_);
  }
  void drop() {
    std::lock_guard<std::mutex> lock(mutex_);
    evictTo(0);
  }
  void statistics(double* out) {
    std::lock_guard<std::mutex> lock(mutex_);
    out[0] = static_cast<double>(live_);
    out[1] = static_cast<double>(kept_);
    out[2] = static_cast<double>(peak_);
  }

  /// The allocator of the process; never destroyed, since static tensors may outlive any destructor here.
  static KeepingAllocator* installed;

 private:
  /// In front of the data: the capacity of the block.
  struct Header {
    size_t capacity;
  };
  static_assert(sizeof(Header) <= kAlignment);

  static Header* headerOf(void* data) { return reinterpret_cast<Header*>(static_cast<char*>(data) - kAlignment); }
  static void release(void* data) {
    if (data) installed->give(data);
  }

  void* take(size_t bytes) {
    const size_t capacity = bytes < kSmallest ? bytes : sizeClass(bytes);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      live_ += capacity;
      const auto found = blocks_.find(capacity);
      if (found != blocks_.end()) {
        void* data = found->second.back();
        found->second.pop_back();
        if (found->second.empty()) blocks_.erase(found);
        kept_ -= capacity;
        return data;
      }
      peak_ = std::max(peak_, live_);
      // Blocks of other sizes must not add up beside what this step needs.
      const size_t allowed = peak_ + peak_ / 4 + kSlack;
      if (live_ + kept_ > allowed) evictTo(allowed > live_ ? allowed - live_ : 0);
    }
    const size_t total = capacity + kAlignment;
    const size_t alignment = total >= kHugePage ? kHugePage : kAlignment;
    void* base = nullptr;
    if (posix_memalign(&base, alignment, total) != 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      evictTo(0);
      if (posix_memalign(&base, alignment, total) != 0) {
        live_ -= capacity;
        TORCH_CHECK(false, "not enough memory: could not allocate ", bytes, " bytes for a tensor");
      }
    }
#ifdef MADV_HUGEPAGE
    if (total >= kHugePage) madvise(base, total, MADV_HUGEPAGE);
#endif
    void* data = static_cast<char*>(base) + kAlignment;
    headerOf(data)->capacity = capacity;
    return data;
  }

  void give(void* data) {
    const size_t capacity = headerOf(data)->capacity;
    std::lock_guard<std::mutex> lock(mutex_);
    live_ -= capacity;
    if (capacity < kSmallest || kept_ + capacity > limit_) {
      std::free(headerOf(data));
      return;
    }
    blocks_[capacity].push_back(data);
    kept_ += capacity;
  }

  /// Largest first: they are the least likely to fit another tensor.
  void evictTo(size_t bytes) {
    while (kept_ > bytes && !blocks_.empty()) {
      const auto largest = std::prev(blocks_.end());
      std::free(headerOf(largest->second.back()));
      kept_ -= largest->first;
      largest->second.pop_back();
      if (largest->second.empty()) blocks_.erase(largest);
    }
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> blocks_;
  size_t limit_ = size_t{4} << 30;
  size_t live_ = 0;
  size_t kept_ = 0;
  size_t peak_ = 0;
};

KeepingAllocator* KeepingAllocator::installed = nullptr;

/// memoryLimit(bytes): how much freed memory may wait for its next use.
napi_value memoryLimit(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    TORCH_CHECK(args.number(0) >= 0, "a number of bytes, got ", args.number(0));
    KeepingAllocator::installed->limit(static_cast<size_t>(args.number(0)));
    return nullptr;
  });
}

napi_value releaseMemory(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    KeepingAllocator::installed->drop();
    return nullptr;
  });
}

/// memory(): writes live, kept and peak bytes into the buffer.
napi_value memory(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    KeepingAllocator::installed->statistics(bridgeOf(env)->buffer.get());
    return nullptr;
  });
}

}  // namespace

void registerMemory(napi_env env, napi_value exports) {
  static std::once_flag once;
  std::call_once(once, [] {
    KeepingAllocator::installed = new KeepingAllocator();
    c10::SetCPUAllocator(KeepingAllocator::installed, 255);
  });
  define(env, exports, "memoryLimit", memoryLimit);
  define(env, exports, "releaseMemory", releaseMemory);
  define(env, exports, "memory", memory);
}

}  // namespace septum
