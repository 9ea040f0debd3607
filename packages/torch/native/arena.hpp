// One range of addresses for all large tensors.
#pragma once
#include <cstddef>
#include <vector>

namespace septum {

/// Blocks side by side in one reserved range of addresses; freed neighbours become one. A block takes the lowest free
/// place that is large enough, so that blocks of all sizes share the same memory: a step keeps little more than what
/// it needs at its peak, also when sizes change from step to step. Not safe for threads.
class Arena {
 public:
  static constexpr size_t kAlignment = 64;

  Arena();
  Arena(const Arena&) = delete;

  /// @param bytes a multiple of `kAlignment`. @returns nullptr where memory or addresses have ended
  char* take(size_t bytes);
  /// @param bytes as given to `take`
  void give(char* block, size_t bytes);
  bool owns(const void* block) const { return block >= base_ && block < base_ + reserved_; }

  /// Hands whole pages of free places back to the system, the highest first, until at most `bytes` remain.
  void trim(size_t bytes);
  /// In blocks.
  size_t live() const { return live_; }
  /// Free but not handed back, with what is unused of the pages of blocks.
  size_t kept() const { return pages_ * kPage - live_; }

 private:
  /// The kernel maps and clears memory of this range in pages of this size where it can.
  static constexpr size_t kPage = 2 << 20;
  static constexpr size_t kGrowth = 64 << 20;

  struct Range {
    size_t at, bytes;
  };

  bool grow(size_t end);
  void touch(size_t at, size_t bytes);
  void release(size_t from, size_t to, size_t most);

  char* base_ = nullptr;
  size_t reserved_ = 0;
  size_t writable_ = 0;
  size_t top_ = 0;           // end of the last block
  std::vector<Range> free_;  // below `top_`, by address; never two that touch
  std::vector<bool> mapped_;
  size_t pages_ = 0;  // of `mapped_` that are set
  size_t live_ = 0;
};

}  // namespace septum
