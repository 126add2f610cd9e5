#ifndef ROCKETPUSH_CONSUME_TURN_JOB_HPP
#define ROCKETPUSH_CONSUME_TURN_JOB_HPP

#include <optional>
#include <utility>

namespace rocketpush {

/**
 * @brief A share in one turn of an orderly queue: what executors get and call. As consume_job, but one runner is enough:
 *        it may want a thread to be woken, and no help when it starts.
 *
 * @tparam Consumption  Has `run(job, Order&)`, `left(Order&, Owner&)` and `worth_a_thread(Order&)`.
 */
template <class Consumption, class Order, class Owner>
class turn_job {
  public:
    turn_job(Consumption& consumption, Order& order, Owner owner) noexcept
        : turn_job(consumption, order, std::move(owner), false) {
        order_->enter();
    }

    /// For a turn that nobody looks at again: it wants a thread however short the calls turn out to be until it is handed over, or
    /// it might stand behind one that blocks.
    static turn_job unwatched(Consumption& consumption, Order& order, Owner owner) noexcept {
        order.enter();
        return turn_job(consumption, order, std::move(owner), true);
    }

    /// One more for a turn that nobody has begun, whose first job stands behind a call that blocks. Empty: the turn is over.
    static std::optional<turn_job> urgent(Consumption& consumption, Order& order, Owner owner) noexcept {
        if (!order.enter_if_running())
            return std::nullopt;
        return turn_job(consumption, order, std::move(owner), true);
    }

    turn_job(const turn_job& other) noexcept
        : consumption_(other.consumption_), order_(other.order_), owner_(other.owner_), certain_(other.certain_) {
        if (order_)
            order_->enter();
    }
    turn_job(turn_job&& other) noexcept
        : consumption_(other.consumption_),
          order_(std::exchange(other.order_, nullptr)),
          owner_(std::move(other.owner_)),
          certain_(other.certain_) {}
    // No assignment by value: see block_ref.
    turn_job& operator=(const turn_job& other) noexcept { return *this = turn_job(other); }
    turn_job& operator=(turn_job&& other) noexcept {
        turn_job taken(std::move(other));
        std::swap(consumption_, taken.consumption_);
        std::swap(order_, taken.order_);
        std::swap(owner_, taken.owner_);
        std::swap(certain_, taken.certain_);
        return *this;
    }
    ~turn_job() {
        if (order_ && order_->leave())
            consumption_->left(*order_, owner_);
    }

    /// Consumes until the turn is over, or finds that another copy does.
    void operator()() const { consumption_->run(*this, *order_); }

    /// Whether a thread is to be woken for it, when it is handed over.
    bool wants_thread() const noexcept {
        return order_->has_unclaimed() && (certain_ || consumption_->worth_a_thread(*order_));
    }
    /// No second runner is of use.
    bool wants_help() const noexcept { return false; }

    Order& order() const noexcept { return *order_; }
    const Owner& owner() const noexcept { return owner_; }

  private:
    /// The order has counted it already.
    turn_job(Consumption& consumption, Order& order, Owner owner, bool certain) noexcept
        : consumption_(&consumption), order_(&order), owner_(std::move(owner)), certain_(certain) {}

    Consumption* consumption_;
    Order* order_;
    Owner owner_;
    bool certain_; ///< It wants a thread, however short calls are.
};

} // namespace rocketpush

#endif
