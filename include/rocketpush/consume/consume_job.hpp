#ifndef ROCKETPUSH_CONSUME_CONSUME_JOB_HPP
#define ROCKETPUSH_CONSUME_CONSUME_JOB_HPP

#include <optional>
#include <utility>

namespace rocketpush {

/**
 * @brief A share in running one pulled batch, or one turn of an orderly queue: what executors get, copy when they recruit another
 *        thread, and call.
 *
 * Each copy counts itself into the work; when the last one is gone the strand hears that the work has run.
 *
 * @tparam Consumption  Has `run(job, Work&)`, `left(Work&, Owner&)` and `worth_a_thread(Work&)`; `Owner` keeps it alive (a
 *                      shared_ptr, or a plain pointer where jobs never leave the strand).
 * @tparam Work         A pulled_batch, which many runners share, or a queue_order, whose turn has one (`Work::one_runner`).
 */
template <class Consumption, class Work, class Owner>
class consume_job {
  public:
    consume_job(Consumption& consumption, Work& work, Owner owner) noexcept
        : consume_job(consumption, work, std::move(owner), false) {
        work_->enter();
    }

    /// For work that nobody looks at again: it wants a thread however short the calls turn out to be until it is handed over. Should
    /// one of them hang all the same, the rest would wait for it.
    static consume_job unwatched(Consumption& consumption, Work& work, Owner owner) noexcept {
        consume_job made(consumption, work, std::move(owner));
        made.urgent_ = true;
        return made;
    }

    /// One more for work that is being run, or stands behind a call that blocks, which wants a thread however short the calls are.
    /// Empty: its last runner has left.
    static std::optional<consume_job> urgent(Consumption& consumption, Work& work, Owner owner) noexcept {
        if (!work.enter_if_running())
            return std::nullopt;
        return consume_job(consumption, work, std::move(owner), true);
    }

    /// Takes over a share that was counted already, and is not held by a job.
    static consume_job adopt(Consumption& consumption, Work& work, Owner owner) noexcept {
        return consume_job(consumption, work, std::move(owner), false);
    }

    consume_job(const consume_job& other) noexcept
        : consumption_(other.consumption_), work_(other.work_), owner_(other.owner_), urgent_(other.urgent_) {
        if (work_)
            work_->enter();
    }
    consume_job(consume_job&& other) noexcept
        : consumption_(other.consumption_),
          work_(std::exchange(other.work_, nullptr)),
          owner_(std::move(other.owner_)),
          urgent_(other.urgent_) {}
    // No assignment by value: see block_ref.
    consume_job& operator=(const consume_job& other) noexcept { return *this = consume_job(other); }
    consume_job& operator=(consume_job&& other) noexcept {
        consume_job taken(std::move(other));
        std::swap(consumption_, taken.consumption_);
        std::swap(work_, taken.work_);
        std::swap(owner_, taken.owner_);
        std::swap(urgent_, taken.urgent_);
        return *this;
    }
    ~consume_job() {
        if (work_ && work_->leave())
            consumption_->left(*work_, owner_);
    }

    /// Consumes until nothing of the work is unclaimed, or another runner has it.
    void operator()() const { consumption_->run(*this, *work_); }

    /// Whether a thread is to be woken for it, when it is handed over.
    bool wants_thread() const noexcept {
        return work_->has_unclaimed() && (urgent_ || consumption_->worth_a_thread(*work_));
    }
    /// Whether a copy that starts now would find something to do, and it is worth a thread.
    bool wants_help() const noexcept {
        if constexpr (Work::one_runner)
            return false;
        else
            return wants_thread();
    }

    Work& work() const noexcept { return *work_; }
    const Owner& owner() const noexcept { return owner_; }

  private:
    /// The work has counted it already.
    consume_job(Consumption& consumption, Work& work, Owner owner, bool urgent) noexcept
        : consumption_(&consumption), work_(&work), owner_(std::move(owner)), urgent_(urgent) {}

    Consumption* consumption_;
    Work* work_;
    Owner owner_;
    bool urgent_; ///< It wants a thread, however short calls are.
};

} // namespace rocketpush

#endif
