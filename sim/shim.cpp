// A module that Verilator translated, behind a few C functions. It is compiled in one piece with
// Verilator's output and with `ports.h`, which is generated and defines
//   LACUNA_PORTS(X)  X(member, bytes) for each port but clock and reset, in the module's order,
//   LACUNA_CLOCK     the clock's member, and LACUNA_CLOCK_START its first level, if there is one,
//   LACUNA_RESET     the reset's member, and LACUNA_RESET_ACTIVE its active level, if there is one.
#include "ports.h"
#include "Vtop.h"

#include <cstdarg>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>

namespace {

// As in library.rs.
enum Kind : int { PRINT, WARNING, STOP, FINISH, FATAL };

struct Message {
    Kind kind;
    int line;
    std::string file, text;
};

// Half a clock period in the time of waveforms.
constexpr uint64_t HALF = 5;

// Leaves an evaluation that cannot go on.
struct Fatal {};

class Instance final : public VerilatedContext {
public:
    Instance(bool random, int seed) {
        randReset(random ? 2 : 0);
        if (random) randSeed(seed);
        fatalOnError(false);
#if VM_TRACE
        traceEverOn(true);  // too late once the model has begun
#endif
        enter();
        try {
            top = std::make_unique<Vtop>(this, "TOP");
            open();
        } catch (...) {
            failed = true;
        }
        forget();
    }

    ~Instance() {
        enter();
#if VM_TRACE
        trace.reset();
#endif
        top.reset();
    }

    // Whether there is something to take with `lacuna_message`.
    template <typename Work> bool guarded(Work work) {
        if (failed) return spoke;
        enter();
        try {
            work();
        } catch (const Fatal&) {
            failed = true;
        } catch (...) {
            say(FATAL, "", 0, "an exception in the simulation");
            failed = true;
        }
        return spoke;
    }

    void clock(bool level) {
#ifdef LACUNA_CLOCK
        top->LACUNA_CLOCK = level;
#endif
    }

    void dump() {
#if VM_TRACE
        if (trace) trace->dump(time());
#endif
        timeInc(HALF);
    }

    void say(Kind kind, const char* file, int line, std::string text) {
        spoke = true;
        messages.push_back(Message{kind, line, file ? file : "", std::move(text)});
    }

    // What was printed since the last message.
    std::string printed() {
        std::string text;
        std::swap(text, print);
        return text;
    }

    std::unique_ptr<Vtop> top;
    std::deque<Message> messages;
    // The message that was handed out last.
    Message last;
    std::string print;
    bool spoke = false;
    bool failed = false;
#if VM_TRACE
    std::unique_ptr<VerilatedFstC> trace;
#endif

private:
    // The runtime finds the instance that it works for by its thread.
    void enter() {
        if (VL_UNLIKELY(Verilated::threadContextp() != this)) Verilated::threadContextp(this);
    }

    // Brings the design to where nothing has happened yet. What runs at the very first moment
    // runs in reset, which is what the text assumes then; without an edge it resets nothing.
    void open() {
#define LACUNA_ZERO(member, bytes) clear(top->member);
        LACUNA_PORTS(LACUNA_ZERO)
#ifdef LACUNA_CLOCK
        clock(LACUNA_CLOCK_START);
#endif
#ifdef LACUNA_RESET
        top->LACUNA_RESET = LACUNA_RESET_ACTIVE;
        top->eval();
        top->LACUNA_RESET = !LACUNA_RESET_ACTIVE;
#endif
        top->eval();
    }

    // Nobody has driven anything yet, so what was said is not about the design as it is used,
    // unless it was the end.
    void forget() {
        print.clear();
        std::deque<Message> all;
        std::swap(all, messages);
        for (Message& message : all)
            if (message.kind == FATAL) messages.push_back(std::move(message));
    }

    template <typename Port> static void clear(Port& port) { port = 0; }
    template <std::size_t Words> static void clear(VlWide<Words>& port) {
        for (std::size_t word = 0; word < Words; ++word) port[word] = 0;
    }
};

Instance& running() { return *static_cast<Instance*>(Verilated::threadContextp()); }

}  // namespace

// What the runtime calls.

void lacuna_print(const char* format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    std::string text(size > 0 ? size : 0, '\0');
    std::vsnprintf(&text[0], text.size() + 1, format, arguments);
    va_end(arguments);
    running().print += text;
    running().spoke = true;
}

void vl_finish(const char* file, int line, const char*) {
    running().say(FINISH, file, line, running().printed());
}

void vl_stop(const char* file, int line, const char*) {
    running().say(STOP, file, line, running().printed());
}

void vl_stop_maybe(const char* file, int line, const char* scope, bool) {
    vl_stop(file, line, scope);
}

void vl_fatal(const char* file, int line, const char*, const char* message) {
    running().say(FATAL, file, line, running().printed() + message);
    throw Fatal{};
}

void vl_warn(const char* file, int line, const char*, const char* message) {
    running().say(WARNING, file, line, message);
}

// What the program calls.

#define LACUNA_API extern "C" __attribute__((visibility("default")))

struct LacunaMessage {
    int kind, line;
    const char *file, *text;
};

// A new instance; its ports' places go to `ports`, the reset's last. Null if there is not even a model.
LACUNA_API Instance* lacuna_open(bool random, int seed, void** ports) {
    Instance* const instance = new Instance(random, seed);
    if (!instance->top) {
        delete instance;
        return nullptr;
    }
#define LACUNA_PLACE(member, bytes)                                           \
    static_assert(sizeof(instance->top->member) == bytes, "a port's place"); \
    *ports++ = &instance->top->member;
    LACUNA_PORTS(LACUNA_PLACE)
#ifdef LACUNA_RESET
    *ports++ = &instance->top->LACUNA_RESET;
#endif
    return instance;
}

LACUNA_API void lacuna_close(Instance* instance) { delete instance; }

// Settles everything, with the clock at a level. All that evaluate return whether messages wait.
LACUNA_API bool lacuna_eval(Instance* instance, bool level) {
    return instance->guarded([=] {
        instance->clock(level);
        instance->top->eval();
    });
}

// The rising edge; before it, unless all is settled there, the low phase.
LACUNA_API bool lacuna_step(Instance* instance, bool fall) {
    return instance->guarded([=] {
        if (fall) {
            instance->clock(false);
            instance->top->eval();
        }
        instance->dump();
        instance->clock(true);
        instance->top->eval();
        instance->dump();
    });
}

// Takes the oldest message; what it points to stays until the next call.
LACUNA_API bool lacuna_message(Instance* instance, LacunaMessage* message) {
    if (instance->messages.empty()) {
        instance->spoke = !instance->print.empty();
        if (!instance->spoke) return false;
        instance->say(PRINT, "", 0, instance->printed());
    }
    Message& last = instance->last = std::move(instance->messages.front());
    instance->messages.pop_front();
    *message = LacunaMessage{last.kind, last.line, last.file.c_str(), last.text.c_str()};
    return true;
}

// Writes a waveform from here on. False if there already is one or it cannot be written.
LACUNA_API bool lacuna_trace(Instance* instance, const char* path) {
    bool good = false;
#if VM_TRACE
    instance->guarded([&] {
        if (instance->trace) return;
        instance->trace = std::make_unique<VerilatedFstC>();
        instance->top->trace(instance->trace.get(), 99);
        instance->trace->open(path);
        good = instance->trace->isOpen();
    });
#endif
    return good;
}

// Writes the coverage so far.
LACUNA_API bool lacuna_coverage(Instance* instance, const char* path) {
    bool good = false;
#if VM_COVERAGE
    instance->guarded([&] {
        instance->coveragep()->write(path);
        good = true;
    });
#endif
    return good;
}
