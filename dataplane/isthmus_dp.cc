// isthmus-dp: the data plane. One thread runs what the service does (handshakes, timers, neighbours, the API socket) on
// an Asio loop, one forwards. Nothing is forwarded until the first document comes over the socket.

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <iostream>

#include "dataplane/config/api_server.h"
#include "dataplane/config/log.h"
#include "dataplane/io/af_packet.h"
#include "dataplane/io/eal.h"
#include "dataplane/io/engine.h"
#include "dataplane/service/gateway.h"

namespace isthmus {
namespace {

using namespace std::chrono_literals;

tunnel::Now now() {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return {io::monotonic_now(), {static_cast<std::uint64_t>(wall.tv_sec), static_cast<std::uint32_t>(wall.tv_nsec)}};
}

// Keys live in this process: no core file, no debugger of another process of the same user.
void keep_memory_private() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

// Wakes the service thread from a worker.
class Doorbell {
 public:
  explicit Doorbell(boost::asio::io_context& context) : descriptor_(context, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  void ring() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(descriptor_.native_handle(), &one, sizeof one);
  }
  void on_ring(std::function<void()> handler) {
    descriptor_.async_read_some(
        boost::asio::buffer(&rings_, sizeof rings_),
        [this, handler = std::move(handler)](const boost::system::error_code& error, std::size_t) {
          if (error) return;
          handler();
          on_ring(handler);
        });
  }

 private:
  boost::asio::posix::stream_descriptor descriptor_;
  std::uint64_t rings_ = 0;
};

class DpdkForwarder final : public service::Forwarder {
 public:
  DpdkForwarder(const io::Eal& eal, Doorbell& doorbell) : eal_(eal), doorbell_(doorbell) {}

  void start(const config::ValidatedConfig& config, pipeline::Shared& shared) override {
    io::EngineOptions options;
    options.cluster = engine_port(config.cluster_port, 0);
    options.underlay = engine_port(config.underlay_port, 1);
    options.aead = config.aead;
    options.doorbell = [this] { doorbell_.ring(); };
    engine_ = std::make_unique<io::Engine>(options, shared);
  }
  void set_polling(config::Polling polling) override {
    engine_->set_polling(polling == config::Polling::kBusy ? io::Polling::kBusy : io::Polling::kAdaptive);
  }
  std::span<const std::unique_ptr<pipeline::Walker>> walkers() override {
    return engine_ ? engine_->walkers() : std::span<const std::unique_ptr<pipeline::Walker>>{};
  }
  BufferPool& pool() override { return engine_->service_pool(); }
  pipeline::Reclaimer& reclaimer() override { return engine_->quiescence(); }
  MacAddress cluster_mac() const override { return engine_->cluster_mac(); }
  MacAddress underlay_mac() const override { return engine_->underlay_mac(); }
  std::uint64_t cluster_missed() override { return engine_->cluster_missed(); }
  std::uint64_t underlay_missed() override { return engine_->underlay_missed(); }
  std::string memory() const override { return eal_.hugepages() ? "hugepages" : "ordinary pages"; }

  // No packet moves any more; what the workers held can go.
  void stop() {
    if (!engine_) return;
    engine_->stop();
    reclaim();
  }
  // Frees what workers have let go of.
  void reclaim() {
    if (engine_) engine_->quiescence().poll();
  }

 private:
  static io::EnginePort engine_port(const config::PortConfig& port, unsigned index) {
    if (const auto* kernel = std::get_if<config::KernelPort>(&port)) {
      const io::AfPacketDevice device = io::af_packet_device(kernel->interface, index, 1);
      return {.devargs = device.devargs, .has_kernel = true, .largest_frame = device.largest_frame};
    }
    const auto& device = std::get<config::DevicePort>(port);
    return {.devargs = device.device, .mac = device.mac};
  }

  const io::Eal& eal_;
  Doorbell& doorbell_;
  std::unique_ptr<io::Engine> engine_;
};

// Calls `action` every `period` for as long as the loop runs.
class Every {
 public:
  Every(boost::asio::io_context& context, Duration period, std::function<void()> action)
      : timer_(context), period_(period), action_(std::move(action)) {
    arm();
  }

 private:
  void arm() {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(period_));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      action_();
      arm();
    });
  }

  boost::asio::steady_timer timer_;
  const Duration period_;
  const std::function<void()> action_;
};

struct Options {
  std::string run_dir = "/run/isthmus";
  std::string wg_dir = "/var/run/wireguard";  // where `wg` looks
  std::string pages = "auto";
};

// One for each run directory: what a killed predecessor left there is found and replaced.
std::string file_prefix(std::string run_dir) {
  std::ranges::replace(run_dir, '/', '-');
  return "isthmus" + run_dir;
}

int run(const Options& options) {
  keep_memory_private();
  const io::Eal eal({.file_prefix = file_prefix(options.run_dir), .may_use_hugepages = options.pages == "auto"});
  boost::asio::io_context context(1);
  Doorbell doorbell(context);
  DpdkForwarder forwarder(eal, doorbell);
  service::Gateway gateway(context, forwarder, now);
  gateway.serve_wg(options.wg_dir);
  doorbell.on_ring([&] {
    if (gateway.take_mail()) doorbell.ring();
  });
  const Every tick(context, 100ms, [&] {
    gateway.tick();
    forwarder.reclaim();
  });
  config::ApiServer api(context, options.run_dir + "/dp.sock",
                        [&](const config::Request& request) { return gateway.handle(request); });
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
  config::log_event(config::LogLevel::kInfo, "data plane ready",
                    {{"pid", std::to_string(getpid())}, {"memory", forwarder.memory()}});
  context.run();
  forwarder.stop();
  config::log_event(config::LogLevel::kInfo, "data plane stopped");
  return 0;
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  CLI::App app("The data plane of an Isthmus gateway. isthmusd starts it and tells it what to do.");
  isthmus::Options options;
  app.add_option("--run-dir", options.run_dir, "directory of the API socket dp.sock")->capture_default_str();
  app.add_option("--wg-dir", options.wg_dir, "directory of the socket for `wg`; empty: none")
      ->envname("ISTHMUS_WG_DIR")
      ->capture_default_str();
  app.add_option("--pages", options.pages, "memory: hugepages if enough are free, or never")
      ->check(CLI::IsMember({"auto", "ordinary"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return isthmus::run(options);
  } catch (const isthmus::io::EalError& error) {
    std::cerr << "isthmus-dp: " << error.what() << '\n';
    if (!error.hugepages) return 1;
    std::cerr << "isthmus-dp: starting again with ordinary pages\n";
    execl("/proc/self/exe", argv[0], "--run-dir", options.run_dir.c_str(), "--wg-dir", options.wg_dir.c_str(),
          "--pages", "ordinary", nullptr);
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "isthmus-dp: " << error.what() << '\n';
    return 1;
  }
}
