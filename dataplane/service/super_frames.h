#pragma once
// On a virtual link nothing ever cuts TCP's segments to size: the sender hands over "super frames" of up to 64 KiB and
// trusts the receiver's hardware, and the receiver's kernel glues small ones together. We can forward neither.

#include <string>

namespace isthmus::service {

// While it lives, one kernel interface brings frames of at most its MTU:
//  - a veth pair carries super frames only while no native XDP program is attached to the receiving end, so a program
//    that passes everything is attached to ours;
//  - generic receive offload is switched off there, for every kind of interface: it would glue frames together again.
// A program outlives the process that attached it, so that of a crashed predecessor is replaced. One that is not ours
// is left alone. (After a crash, receive offload stays off: nobody remembers that it was on.)
class SuperFrameGuard {
 public:
  // Never throws: a gateway without this guard works, only that it must drop super frames.
  explicit SuperFrameGuard(const std::string& interface);
  ~SuperFrameGuard();
  SuperFrameGuard(const SuperFrameGuard&) = delete;
  SuperFrameGuard& operator=(const SuperFrameGuard&) = delete;

  // Empty: guarded, or not needed. Otherwise what is wrong and what the administrator can do, for the log.
  const std::string& problem() const { return problem_; }

 private:
  std::string attach();
  void detach();

  const std::string interface_;
  unsigned index_ = 0;
  int program_ = -1;  // descriptor, while attached
  bool restore_gro_ = false;
  std::string problem_;
};

}  // namespace isthmus::service
