#ifndef ROCKETPUSH_CONSUME_CONSUME_JOB_HPP
#define ROCKETPUSH_CONSUME_CONSUME_JOB_HPP

#include <utility>

namespace rocketpush {

/**
 * @brief A share in running one pulled batch: what executors get, copy when they recruit another thread, and call.
 *
 * Each copy counts itself into the batch; when the last one is gone the strand hears that the batch has run.
 *
 * @tparam Consumption  Has `run(Batch&)` and `left(Batch&, Owner&)`; `Owner` keeps it alive (a shared_ptr, or a plain
 *                      pointer where jobs never leave the strand).
 */
template <class Consumption, class Batch, class Owner>
class consume_job {
  public:
    consume_job(Consumption& consumption, Batch& batch, Owner owner) noexcept
        : consumption_(&consumption), batch_(&batch), owner_(std::move(owner)) {
        batch_->enter();
    }
    consume_job(const consume_job& other) noexcept
        : consumption_(other.consumption_), batch_(other.batch_), owner_(other.owner_) {
        if (batch_)
            batch_->enter();
    }
    consume_job(consume_job&& other) noexcept
        : consumption_(other.consumption_),
          batch_(std::exchange(other.batch_, nullptr)),
          owner_(std::move(other.owner_)) {}
    consume_job& operator=(consume_job other) noexcept {
        std::swap(consumption_, other.consumption_);
        std::swap(batch_, other.batch_);
        std::swap(owner_, other.owner_);
        return *this;
    }
    ~consume_job() {
        if (batch_ && batch_->leave())
            consumption_->left(*batch_, owner_);
    }

    /// Consumes until nothing of the batch is unclaimed.
    void operator()() const { consumption_->run(*this, *batch_); }

    bool wants_help() const noexcept { return batch_->has_unclaimed(); }

    Batch& batch() const noexcept { return *batch_; }
    const Owner& owner() const noexcept { return owner_; }

  private:
    Consumption* consumption_;
    Batch* batch_;
    Owner owner_;
};

} // namespace rocketpush

#endif
