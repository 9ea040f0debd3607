#include "arena.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace septum {
namespace {

/// Addresses cost nothing, so there are more than memory; where they are limited half of them is left to others.
size_t addresses() {
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) return limit.rlim_cur / 2;
  const size_t memory = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return std::max(4 * memory, size_t{64} << 30);
}

}  // namespace

Arena::Arena() {
  // Without access, so that nothing is counted as used before it is.
  const size_t wanted = addresses() / kPage * kPage;
  void* found = mmap(nullptr, wanted + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) return;
  const auto address = reinterpret_cast<uintptr_t>(found);
  base_ = reinterpret_cast<char*>((address + kPage - 1) / kPage * kPage);
  reserved_ = wanted;
#ifdef MADV_HUGEPAGE
  madvise(base_, reserved_, MADV_HUGEPAGE);
#endif
}

char* Arena::take(size_t bytes) {
  const auto fits = [&](const Range& range) { return range.bytes >= bytes; };
  const auto found = std::find_if(free_.begin(), free_.end(), fits);
  size_t at = top_;
  if (found != free_.end()) {
    at = found->at;
    found->at += bytes;
    found->bytes -= bytes;
    if (found->bytes == 0) free_.erase(found);
  } else {
    if (bytes > reserved_ - top_ || !grow(top_ + bytes)) return nullptr;
    top_ += bytes;
  }
  touch(at, bytes);
  live_ += bytes;
  return base_ + at;
}

void Arena::give(char* block, size_t bytes) {
  live_ -= bytes;
  Range range{static_cast<size_t>(block - base_), bytes};
  const auto before = [](const Range& a, size_t at) { return a.at < at; };
  auto next = std::lower_bound(free_.begin(), free_.end(), range.at, before);
  if (next != free_.end() && range.at + range.bytes == next->at) {
    range.bytes += next->bytes;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto last = std::prev(next);
    if (last->at + last->bytes == range.at) {
      range = {last->at, last->bytes + range.bytes};
      next = free_.erase(last);
    }
  }
  if (range.at + range.bytes == top_) {
    top_ = range.at;
  } else {
    free_.insert(next, range);
  }
}

void Arena::trim(size_t bytes) {
  if (kept() <= bytes) return;
  release(top_, mapped_.size() * kPage, kept() - bytes);
  for (auto range = free_.rbegin(); range != free_.rend() && kept() > bytes; ++range) {
    release(range->at, range->at + range->bytes, kept() - bytes);
  }
}

/// Makes addresses up to `end` usable.
bool Arena::grow(size_t end) {
  if (end <= writable_) return true;
  const size_t wanted = std::min(reserved_, (end + kGrowth - 1) / kGrowth * kGrowth);
  if (mprotect(base_ + writable_, wanted - writable_, PROT_READ | PROT_WRITE) != 0) return false;
  writable_ = wanted;
  return true;
}

void Arena::touch(size_t at, size_t bytes) {
  const size_t end = (at + bytes + kPage - 1) / kPage;
  if (mapped_.size() < end) mapped_.resize(end);
  for (size_t page = at / kPage; page < end; ++page) {
    pages_ += !mapped_[page];
    mapped_[page] = true;
  }
}

/// Hands back the pages that lie wholly in [from, to), from the end, until `most` bytes are.
void Arena::release(size_t from, size_t to, size_t most) {
  const size_t first = (from + kPage - 1) / kPage;
  size_t page = to / kPage;
  for (size_t done = 0; page > first && done < most; --page) {
    if (!mapped_[page - 1]) continue;
    if (madvise(base_ + (page - 1) * kPage, kPage, MADV_DONTNEED) != 0) continue;
    mapped_[page - 1] = false;
    --pages_;
    done += kPage;
  }
}

}  // namespace septum
