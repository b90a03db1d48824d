// What a program in C++ does with Verilator's output: the other side of cosim.rs. It reads numbers
// of cycles, one in each line, runs them, and answers with the nanoseconds and the checksum so far.
#include "Vtop.h"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <memory>

namespace {

struct Operands {
    uint64_t state = 0x0123456789abcdef;

    uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
};

struct Checksum {
    uint64_t value = 0;

    void add(uint64_t limb) { value = (value << 5 | value >> 59) ^ limb; }
};

void drive(IData& port, Operands& operands) { port = static_cast<IData>(operands.next()); }
void drive(QData& port, Operands& operands) { port = operands.next(); }
template <std::size_t Words> void drive(VlWide<Words>& port, Operands& operands) {
    for (std::size_t word = 0; word < Words; word += 2) {
        const uint64_t limb = operands.next();
        VL_SET_WQ(&port[word], limb);
    }
}

template <std::size_t Words> void read(const VlWide<Words>& port, Checksum& checksum) {
    for (std::size_t word = 0; word < Words; word += 2) checksum.add(VL_SET_QW(&port[word]));
}

}  // namespace

int main() {
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    top->rst_ni = 0;
    top->eval();
    top->rst_ni = 1;
    top->eval();

    Operands operands;
    Checksum checksum;
    uint64_t cycles;
    while (std::scanf("%" SCNu64, &cycles) == 1) {
        const auto begin = std::chrono::steady_clock::now();
        for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
            const uint64_t chance = operands.next();
            top->in_valid_i = (chance & 7) != 0;
            top->in_last_i = (chance >> 3 & 31) == 0;
            top->out_ready_i = (chance >> 8 & 3) != 0;
            drive(top->in_act_i, operands);
            drive(top->in_weight_i, operands);
            top->clk_i = 0;
            top->eval();
            context->timeInc(5);
            top->clk_i = 1;
            top->eval();
            context->timeInc(5);
            checksum.add(top->in_ready_o | top->out_valid_o << 1 | top->out_last_o << 2);
            read(top->out_sum_o, checksum);
        }
        const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - begin;
        std::printf("%" PRId64 " %" PRIu64 "\n", int64_t{spent.count()}, checksum.value);
        std::fflush(stdout);
    }
    top->final();
}
