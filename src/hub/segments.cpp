#include "hub/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "pare/error.h"

namespace pare::hub {
namespace {

constexpr std::uint64_t kSegment = 16 << 20;

struct NoRanges {};

class Segments {
 public:
  Segments(PartialFile& partial, const std::string& url, HttpClient& client, const Asked& asked)
      : partial_(partial),
        url_(url),
        client_(client),
        asked_(asked),
        end_(partial.expected_size()),
        next_(partial.size()),
        front_(partial.size()) {}

  bool receive(std::size_t connections) {
    {
      std::vector<std::jthread> threads;
      running_ = connections;
      for (std::size_t i = 0; i < connections; ++i) threads.emplace_back([this] { work(); });
      wait();
    }
    partial_.flush();  // what arrived need not be sent again
    if (failure_) std::rethrow_exception(failure_);
    return ranges_;
  }

 private:
  /// Bytes that one connection receives next.
  struct Segment {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t at = 0;         ///< what was received ends here
    std::vector<std::byte> held;  ///< the last bytes received, which were not written yet

    std::uint64_t written() const { return at - held.size(); }
  };

  void wait() {
    constexpr std::chrono::milliseconds kBetweenChecks{50};
    std::unique_lock lock(mutex_);
    try {
      while (!changed_.wait_for(lock, kBetweenChecks, [&] { return running_ == 0; })) client_.check();
    } catch (...) {
      stop(std::current_exception());
    }
  }

  /// With the mutex held. The first failure counts; others follow from it.
  void stop(const std::exception_ptr& failure) {
    if (!stopped_.exchange(true)) failure_ = failure;
    changed_.notify_all();
  }

  void work() {
    std::exception_ptr failure;
    try {
      HttpClient client(client_.settings(), client_.context(), stopped_);
      std::string direct;
      while (std::optional<Segment> segment = next_segment()) receive(*segment, client, direct);
    } catch (const NoRanges&) {
      const std::lock_guard lock(mutex_);
      ranges_ = false;
      stop(nullptr);
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (failure) stop(failure);
    --running_;
    changed_.notify_all();
  }

  std::optional<Segment> next_segment() {
    const std::lock_guard lock(mutex_);
    if (stopped_ || next_ == end_) return std::nullopt;
    const std::uint64_t begin = std::exchange(next_, std::min(end_, next_ + kSegment));
    return Segment{begin, next_, begin, {}};
  }

  void receive(Segment& segment, HttpClient& client, std::string& direct) {
    with_retries(
        client, [&] { request(segment, client, direct); }, [&] { return segment.at; });
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopped_ || front_ == segment.written(); });
      if (stopped_) return;
    }
    write(std::exchange(segment.held, {}));
    const std::lock_guard lock(mutex_);  // or the thread that waits for this could miss it
    changed_.notify_all();
  }

  /// One request for what is missing of a segment. `direct` is where the Hub redirected the last one, so that it is
  /// asked once by each connection and not for each segment.
  void request(Segment& segment, HttpClient& client, std::string& direct) {
    BodyReader body;
    body.begin = [&](const HttpResponse& response) {
      if (response.status != 206) throw NoRanges();
      if (response.range_begin() != segment.at) refuse_other_range(response, asked_);
    };
    body.read = [&](std::span<const std::byte> bytes) { take(segment, bytes); };
    const auto ask = [&](const std::string& url) {
      return client.send({url, asked_.spec, false, segment.at, segment.end}, body);
    };
    const std::string last = std::exchange(direct, {});
    HttpResponse response = ask(last.empty() ? url_ : last);
    if (!last.empty() && response.status / 100 != 2) response = ask(url_);  // such addresses expire
    require_success(response, asked_, client.settings());
    if (segment.at != segment.end)
      throw HttpFailure(
          asked_.spec,
          fmt::format("{} sends '{}' up to byte {} (expected {})", response.host, asked_.file, segment.at, segment.end),
          true);
    direct = response.url;
  }

  void take(Segment& segment, std::span<const std::byte> bytes) {
    if (bytes.size() > segment.end - segment.at)
      throw Error(ErrorCode::kMalformed, asked_.spec,
                  fmt::format("the server sends more of '{}' than was asked for", asked_.file));
    if (front_ == segment.written()) {
      write(std::exchange(segment.held, {}));
      write(bytes);
    } else {
      if (segment.held.empty()) segment.held.reserve(segment.end - segment.at);
      segment.held.insert(segment.held.end(), bytes.begin(), bytes.end());
    }
    segment.at += bytes.size();
  }

  /// Only the thread whose segment has the byte at front_ calls this, so the file needs no lock.
  void write(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;  // after the last byte of a segment, the file is the next one's
    partial_.write(bytes);
    front_ += bytes.size();
  }

  PartialFile& partial_;
  const std::string& url_;
  HttpClient& client_;
  const Asked& asked_;
  const std::uint64_t end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_;                ///< of the next segment
  std::atomic<std::uint64_t> front_;  ///< bytes given to the file
  std::size_t running_ = 0;
  std::atomic<bool> stopped_{false};
  bool ranges_ = true;
  std::exception_ptr failure_;
};

}  // namespace

bool receive_segments(PartialFile& partial, const std::string& url, HttpClient& client, const Asked& asked,
                      std::size_t connections) {
  return Segments(partial, url, client, asked).receive(connections);
}

}  // namespace pare::hub
