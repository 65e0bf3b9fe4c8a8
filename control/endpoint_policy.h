#pragma once
// Which endpoint names are looked up when, and what becomes of the answers. Decides, and does nothing: time, answers
// and the data plane's status are given to it (endpoint_resolver.h does the rest).
//
// A name is looked up when its document begins to run, every 5 minutes, and every 5 seconds while a peer of that name
// is not to be reached: it may have moved. One lookup of a name runs at a time, however long it takes.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/config/api.h"
#include "dataplane/config/log.h"
#include "dataplane/config/validated_config.h"

namespace isthmus::control {

class EndpointPolicy {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kEvery{300};
  static constexpr std::chrono::seconds kEveryWhileDown{5};
  static constexpr std::chrono::seconds kPatience{5};  // with a lookup, before it counts as failed
  // How long a handshake may be pending before the peer counts as not to be reached. Shorter than kRekeyTimeout, so
  // that already the second initiation goes to where the name leads now.
  static constexpr double kHandshakePatience = 2;

  struct Answer {
    std::vector<IpAddress> addresses;
    std::string error;  // not empty: there is no answer
  };

  // To be logged.
  struct Notice {
    config::LogLevel level = config::LogLevel::kInfo;
    std::string event;
    std::string name;
    std::string error;
    std::string advice;
    bool operator==(const Notice&) const = default;
  };

  struct Step {
    std::vector<std::string> lookups;                // hosts; each is to be answered, at some time
    std::vector<config::EndpointRequest> endpoints;  // to be given to the data plane
  };

  // This document runs now, in a data plane that may be another one. What is known of its names stays known.
  void follow(const std::vector<config::PeerConfig>& peers);
  bool idle() const { return peers_.empty(); }

  Step step(const config::Status& status, Time now);
  void answered(const std::string& host, Answer answer);
  // What the data plane said to an endpoint of step().
  void taken(const config::EndpointRequest& request);
  void refused(const config::EndpointRequest& request, const std::string& why);

  // Why a host has no address at the moment; empty: it has.
  std::string trouble_of(const std::string& host) const;
  std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }

 private:
  struct Host {
    std::vector<IpAddress> addresses;  // the last good answer
    std::optional<Time> asked;         // the last lookup's begin; none: due at once
    bool asking = false;
    bool wanted = false;  // the document names it; if not, it stays only until its lookup has ended
    std::string trouble;
  };
  struct Peer {
    config::EndpointName name;
    std::optional<Endpoint> given;  // to the data plane that runs
    bool undecided = true;          // its host's addresses, or the data plane, are new
    std::string trouble;            // the data plane's word against what it was given
  };

  bool lookup_due(const Host& host, bool down, Time now) const;
  std::optional<config::EndpointRequest> decide(const config::PeerStatus& status, const Peer& peer,
                                                const std::vector<config::PortStatus>& ports) const;
  void set_trouble(Host& host, const std::string& name, const std::string& trouble);

  std::map<std::string, Host> hosts_;
  std::map<std::string, Peer> peers_;  // by the peer's name
  std::vector<Notice> notices_;
};

}  // namespace isthmus::control
