#pragma once
// The service thread's heart: applies documents, answers for the state, and moves what workers hand over.

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "dataplane/config/api.h"
#include "dataplane/config/validate.h"
#include "dataplane/config/wg_edit.h"
#include "dataplane/service/data_plane.h"
#include "dataplane/service/kernel_guard.h"
#include "dataplane/service/next_hop_source.h"
#include "dataplane/service/super_frames.h"
#include "dataplane/service/tunnel_service.h"
#include "dataplane/service/underlay.h"
#include "dataplane/service/waiting_room.h"
#include "dataplane/service/wg_interface.h"

namespace isthmus::service {

class Gateway {
 public:
  Gateway(boost::asio::io_context& context, Forwarder& forwarder, std::function<tunnel::Now()> clock);
  ~Gateway();

  config::Response handle(const config::Request& request);
  // Lets `wg` look at the gateway and change it, by a socket in this directory, as soon as there is a document.
  void serve_wg(const std::string& directory);
  // What `wg` is told for what it asks (config/wg_protocol.h). gateway_wg.cc.
  config::SecretText answer_wg(std::string_view request);
  // Everything that workers have put into their mailboxes, but of handshakes only a few: each takes so long that all
  // else would be late. Returns whether more of them wait: then call again, after whatever else there is to do.
  bool take_mail();
  // Timers, patience of held packets: every 100 ms.
  void tick();

 private:
  struct Secrets {
    tunnel::SecretKey private_key;
    std::vector<tunnel::SecretKey> preshared;  // by peer of the configuration; all zero: none
    bool operator==(const Secrets&) const = default;
  };

  // A document as it was handed over, with what its key files held.
  struct Document {
    config::DesiredState desired;
    Secrets secrets;
  };

  config::Status status();
  config::Response trace(const config::TraceRequest& request);
  config::Response set_endpoint(const config::EndpointRequest& request);
  config::Response apply(const config::DesiredState& desired);
  void remember(const config::DesiredState& desired, const Secrets& secrets);
  std::variant<Secrets, config::ConfigErrors> read_secrets(const config::ValidatedConfig& config) const;
  static config::ConfigErrors refuse_own_key(const config::ValidatedConfig& config,
                                             const tunnel::SecretKey& private_key);
  config::ConfigErrors refuse_changes(const config::ValidatedConfig& next) const;
  void start(const config::ValidatedConfig& config);
  std::unique_ptr<NextHopSource> make_source(const config::PortConfig& port, bool underlay);
  void commit(const config::ValidatedConfig& next, const Secrets& secrets);
  std::vector<PeerIndex> claim_places(const config::ValidatedConfig& next);
  void update_peers(const config::ValidatedConfig& next, const Secrets& secrets, const std::vector<PeerIndex>& places);
  void update_lanes(PeerIndex peer, const tunnel::SecretKey& preshared, const tunnel::Now& now);
  void remove_lane(LaneId lane);
  void remove_missing_peers(const config::ValidatedConfig& next);
  config::WgDevice wg_device();
  std::optional<config::WgError> change_with_wg(const config::WgEdit& wanted);
  Secrets edited_secrets(const config::ValidatedConfig& next, const config::WgEdit& wanted,
                         const config::WgEdited& edited) const;
  void move_lanes(const config::WgEdit& wanted);
  std::vector<std::string> drift() const;
  void guard_kernel(const config::ValidatedConfig& config);
  void take(pipeline::ToService& item);
  bool take_handshakes(pipeline::Mailbox& mailbox);
  void await_session(const pipeline::ToService& item, const tunnel::Now& now);
  void free_places();
  void cluster_changed();

  boost::asio::io_context& context_;
  DataPlane plane_;
  Underlay underlay_;
  WaitingRoom waiting_;
  TunnelService tunnel_service_;
  std::unique_ptr<NextHopSource> cluster_source_;
  std::unique_ptr<NextHopSource> underlay_source_;
  std::unique_ptr<KernelGuard> guard_;
  std::vector<std::unique_ptr<SuperFrameGuard>> super_frame_guards_;
  std::vector<PeerIndex> leaving_;    // not configured any more, but packets on their way to a worker may name them
  std::optional<Document> document_;  // as applied last
  std::optional<config::DesiredState> desired_;  // what runs: the document, and what wg has changed since
  std::optional<config::ValidatedConfig> config_;
  std::optional<Secrets> secrets_;
  std::unique_ptr<WgInterface> wg_interface_;
  std::uint64_t generation_ = 0;
  std::int64_t started_seconds_;
};

}  // namespace isthmus::service
