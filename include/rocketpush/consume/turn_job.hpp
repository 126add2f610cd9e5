#ifndef ROCKETPUSH_CONSUME_TURN_JOB_HPP
#define ROCKETPUSH_CONSUME_TURN_JOB_HPP

#include <optional>
#include <utility>

namespace rocketpush {

/**
 * @brief A share in one turn of an orderly queue: what executors get and call. As consume_job, but one runner is enough:
 *        it wants help while it is being handed over, so that a thread is woken for it, and none when it starts.
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

    /// For a turn that nobody looks at again; one thread is all that it can do with.
    static turn_job unwatched(Consumption& consumption, Order& order, Owner owner) noexcept {
        return turn_job(consumption, order, std::move(owner));
    }

    /// One more for a turn that nobody has begun, whose first job stands behind a call that blocks. Empty: the turn is over.
    static std::optional<turn_job> urgent(Consumption& consumption, Order& order, Owner owner) noexcept {
        if (!order.enter_if_running())
            return std::nullopt;
        return turn_job(consumption, order, std::move(owner), true);
    }

    turn_job(const turn_job& other) noexcept
        : consumption_(other.consumption_), order_(other.order_), owner_(other.owner_), urgent_(other.urgent_) {
        handed_over_ = true;
        if (order_)
            order_->enter();
    }
    turn_job(turn_job&& other) noexcept
        : consumption_(other.consumption_),
          order_(std::exchange(other.order_, nullptr)),
          owner_(std::move(other.owner_)),
          urgent_(other.urgent_) {
        handed_over_ = true;
    }
    // No assignment by value: see block_ref.
    turn_job& operator=(const turn_job& other) noexcept { return *this = turn_job(other); }
    turn_job& operator=(turn_job&& other) noexcept {
        turn_job taken(std::move(other));
        std::swap(consumption_, taken.consumption_);
        std::swap(order_, taken.order_);
        std::swap(owner_, taken.owner_);
        std::swap(urgent_, taken.urgent_);
        std::swap(handed_over_, taken.handed_over_);
        return *this;
    }
    ~turn_job() {
        if (order_ && order_->leave())
            consumption_->left(*order_, owner_);
    }

    /// Consumes until the turn is over, or finds that another copy does.
    void operator()() const { consumption_->run(*this, *order_); }

    /// Whether a thread is to be woken for it.
    bool wants_help() const noexcept {
        return order_->has_unclaimed() && (urgent_ || (!handed_over_ && consumption_->worth_a_thread(*order_)));
    }

    Order& order() const noexcept { return *order_; }
    const Owner& owner() const noexcept { return owner_; }

  private:
    /// The order has counted it already.
    turn_job(Consumption& consumption, Order& order, Owner owner, bool urgent) noexcept
        : consumption_(&consumption), order_(&order), owner_(std::move(owner)), urgent_(urgent) {}

    Consumption* consumption_;
    Order* order_;
    Owner owner_;
    bool urgent_;
    bool handed_over_ = false; ///< Moved or copied, as an executor does that keeps it.
};

} // namespace rocketpush

#endif
