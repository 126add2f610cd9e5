#ifndef ROCKETPUSH_CONSUME_CONSUME_JOB_HPP
#define ROCKETPUSH_CONSUME_CONSUME_JOB_HPP

#include <optional>
#include <utility>

namespace rocketpush {

/**
 * @brief A share in running one pulled batch: what executors get, copy when they recruit another thread, and call.
 *
 * Each copy counts itself into the batch; when the last one is gone the strand hears that the batch has run.
 *
 * @tparam Consumption  Has `run(job, Batch&)`, `left(Batch&, Owner&)` and `worth_a_thread(Batch&)`; `Owner` keeps it alive (a
 *                      shared_ptr, or a plain pointer where jobs never leave the strand).
 */
template <class Consumption, class Batch, class Owner>
class consume_job {
  public:
    consume_job(Consumption& consumption, Batch& batch, Owner owner) noexcept
        : consume_job(consumption, batch, std::move(owner), false) {
        batch_->enter();
    }

    /// For a batch that nobody looks at again: it wants help however short the calls turn out to be until it is run. Should one
    /// of them hang all the same, the rest would wait for it.
    static consume_job unwatched(Consumption& consumption, Batch& batch, Owner owner) noexcept {
        consume_job made(consumption, batch, std::move(owner));
        made.urgent_ = true;
        return made;
    }

    /// One more for a batch that is being run, which wants help however short the calls are. Empty: its last runner has left.
    static std::optional<consume_job> urgent(Consumption& consumption, Batch& batch, Owner owner) noexcept {
        if (!batch.enter_if_running())
            return std::nullopt;
        return consume_job(consumption, batch, std::move(owner), true);
    }

    /// Takes over a share that was counted already, and is not held by a job.
    static consume_job adopt(Consumption& consumption, Batch& batch, Owner owner) noexcept {
        return consume_job(consumption, batch, std::move(owner), false);
    }

    consume_job(const consume_job& other) noexcept
        : consumption_(other.consumption_), batch_(other.batch_), owner_(other.owner_), urgent_(other.urgent_) {
        if (batch_)
            batch_->enter();
    }
    consume_job(consume_job&& other) noexcept
        : consumption_(other.consumption_),
          batch_(std::exchange(other.batch_, nullptr)),
          owner_(std::move(other.owner_)),
          urgent_(other.urgent_) {}
    // No assignment by value: see block_ref.
    consume_job& operator=(const consume_job& other) noexcept { return *this = consume_job(other); }
    consume_job& operator=(consume_job&& other) noexcept {
        consume_job taken(std::move(other));
        std::swap(consumption_, taken.consumption_);
        std::swap(batch_, taken.batch_);
        std::swap(owner_, taken.owner_);
        std::swap(urgent_, taken.urgent_);
        return *this;
    }
    ~consume_job() {
        if (batch_ && batch_->leave())
            consumption_->left(*batch_, owner_);
    }

    /// Consumes until nothing of the batch is unclaimed.
    void operator()() const { consumption_->run(*this, *batch_); }

    /// Whether a copy that starts now would find something to do, and it is worth a thread.
    bool wants_help() const noexcept {
        return batch_->has_unclaimed() && (urgent_ || consumption_->worth_a_thread(*batch_));
    }

    Batch& batch() const noexcept { return *batch_; }
    const Owner& owner() const noexcept { return owner_; }

  private:
    /// The batch has counted it already.
    consume_job(Consumption& consumption, Batch& batch, Owner owner, bool urgent) noexcept
        : consumption_(&consumption), batch_(&batch), owner_(std::move(owner)), urgent_(urgent) {}

    Consumption* consumption_;
    Batch* batch_;
    Owner owner_;
    bool urgent_;
};

} // namespace rocketpush

#endif
