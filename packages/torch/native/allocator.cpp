// A CPU allocator that keeps freed blocks for the next step.
//
// Training makes and frees the same large temporaries every step. glibc gives blocks of more than 32 MB, and
// often smaller ones, back to the kernel at each free; the kernel then clears every page again at the next
// use, which costs as much as the arithmetic of a normalisation layer. Their memory stays in an arena instead.
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "arena.hpp"
#include "bridge.hpp"

namespace septum {
namespace {

constexpr size_t kAlignment = Arena::kAlignment;
constexpr size_t kSmallest = 64 << 10;  // below this malloc is as good
constexpr size_t kTiny = 1 << 10;       // up to this an aligned malloc costs as much as the operator
constexpr size_t kTinyClasses = kTiny / kAlignment;
constexpr size_t kTinyKept = 128 << 10;  // bytes of each class
constexpr size_t kSlack = 64 << 20;

/// In front of the data: the capacity of the block.
struct Header {
  size_t capacity;
};
static_assert(sizeof(Header) <= kAlignment);

Header* headerOf(void* data) { return reinterpret_cast<Header*>(static_cast<char*>(data) - kAlignment); }

/// Scalars and short vectors wait here, by multiples of the alignment; at most 2 MB per thread.
/// The first word of a waiting block points to the next.
struct TinyBlocks {
  void* first[kTinyClasses];
  uint32_t count[kTinyClasses];
  bool armed;
  bool closed;

  void drop() {
    for (size_t i = 0; i < kTinyClasses; ++i) {
      while (first[i]) {
        void* data = first[i];
        std::memcpy(&first[i], data, sizeof(void*));
        std::free(headerOf(data));
      }
      count[i] = 0;
    }
  }
};
thread_local TinyBlocks tiny;  // trivial, so that it can still be asked after the thread's destructors ran

struct TinyCloser {
  TinyCloser() { tiny.armed = true; }
  ~TinyCloser() {
    tiny.closed = true;
    tiny.drop();
  }
};

void* takeTiny(size_t capacity) {
  void*& first = tiny.first[capacity / kAlignment - 1];
  void* data = first;
  if (data) {
    std::memcpy(&first, data, sizeof(void*));
    --tiny.count[capacity / kAlignment - 1];
  }
  return data;
}

bool giveTiny(void* data, size_t capacity) {
  const size_t i = capacity / kAlignment - 1;
  if (tiny.closed || tiny.count[i] * (capacity + kAlignment) >= kTinyKept) return false;
  if (!tiny.armed) {
    static thread_local TinyCloser closer;
    (void)closer;
  }
  std::memcpy(data, &tiny.first[i], sizeof(void*));
  tiny.first[i] = data;
  ++tiny.count[i];
  return true;
}

class KeepingAllocator final : public c10::Allocator {
 public:
  // libtorch 1.13 has a const allocate and no copy_data, a later 2.x the other way round. Without `override`
  // each of these overrides what the base class has.
  c10::DataPtr allocate(size_t bytes) {
    if (bytes == 0) return {nullptr, nullptr, &release, c10::Device(c10::DeviceType::CPU)};
    void* data = take(bytes);
    return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DataPtr allocate(size_t bytes) const { return const_cast<KeepingAllocator*>(this)->allocate(bytes); }
  void copy_data(void* to, const void* from, std::size_t count) const { std::memcpy(to, from, count); }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void limit(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    limit_ = bytes;
    arena_.trim(limit_);
  }
  void drop() {
    tiny.drop();
    std::lock_guard<std::mutex> lock(mutex_);
    arena_.trim(0);
  }
  void statistics(double* out) {
    std::lock_guard<std::mutex> lock(mutex_);
    out[0] = static_cast<double>(live_);
    out[1] = static_cast<double>(arena_.kept());
    out[2] = static_cast<double>(std::max<size_t>(peak_, live_));
  }

  /// The allocator of the process; never destroyed, since static tensors may outlive any destructor here.
  static KeepingAllocator* installed;

 private:
  static void release(void* data) {
    if (data) installed->give(data);
  }

  void* take(size_t bytes) {
    const size_t capacity = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    const size_t live = live_.fetch_add(capacity, std::memory_order_relaxed) + capacity;
    if (capacity <= kTiny) {
      if (void* data = takeTiny(capacity)) return data;
    }
    const size_t total = capacity + kAlignment;
    void* base = nullptr;
    if (capacity >= kSmallest) {
      std::lock_guard<std::mutex> lock(mutex_);
      peak_ = std::max(peak_, live);
      base = arena_.take(total);
      // What an earlier, larger step left must not stay for ever; a little is kept, as sizes change.
      if (arena_.live() + arena_.kept() > peak_ + peak_ / 4 + kSlack) arena_.trim(peak_ / 4 + kSlack);
    }
    if (!base && posix_memalign(&base, kAlignment, total) != 0) {
      live_ -= capacity;
      TORCH_CHECK(false, "not enough memory: could not allocate ", bytes, " bytes for a tensor");
    }
    void* data = static_cast<char*>(base) + kAlignment;
    headerOf(data)->capacity = capacity;
    return data;
  }

  void give(void* data) {
    Header* const header = headerOf(data);
    const size_t capacity = header->capacity;
    live_.fetch_sub(capacity, std::memory_order_relaxed);
    if (capacity <= kTiny && giveTiny(data, capacity)) return;
    if (!arena_.owns(header)) return std::free(header);
    std::lock_guard<std::mutex> lock(mutex_);
    arena_.give(reinterpret_cast<char*>(header), capacity + kAlignment);
    arena_.trim(limit_);
  }

  std::mutex mutex_;
  Arena arena_;
  size_t limit_ = size_t{4} << 30;
  std::atomic<size_t> live_{0};
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
