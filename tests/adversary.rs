//! Descriptions that nobody should write: each is refused with a reason or works; none panics,
//! and none takes more than a moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lacuna::hdl::*;
use lacuna::verilog::{self, Style};

/// Ends a description whose value does not matter.
fn ignore<T>(_: T) {}

type Described = Result<Arc<Module>, Errors>;

fn described(describe: impl FnOnce(&ModuleBuilder)) -> Described {
    let m = ModuleBuilder::new("example");
    describe(&m);
    m.finish()
}

/// Checks that a description is refused, and that every error has a code, a line here and a help.
#[track_caller]
fn refused(describe: impl FnOnce(&ModuleBuilder)) -> String {
    let Err(errors) = described(describe) else { panic!("it is accepted") };
    assert!(!errors.0.is_empty());
    for error in &errors.0 {
        assert!(error.kind.code().starts_with("E02"));
        assert_eq!(error.source.0.file(), "tests/adversary.rs", "{error}");
        assert!(!error.kind.help().is_empty(), "{error}");
    }
    errors.to_string()
}

#[track_caller]
fn refused_for(code: &str, describe: impl FnOnce(&ModuleBuilder)) {
    let text = refused(describe);
    assert!(text.contains(code), "{text}");
}

#[track_caller]
fn emitted(describe: impl FnOnce(&ModuleBuilder)) -> String {
    let module = described(describe).unwrap_or_else(|errors| panic!("{errors}"));
    let files = verilog::emit(&module, &Style::default()).expect("it needs no cell");
    files.last().expect("there is a file").text.clone()
}

/// Fails where something takes as long as only a quadratic algorithm does.
#[track_caller]
fn in_moments<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(30), "it took {took:?}");
    result
}

/// Widths that no type has.
const WIDTHS: [u32; 5] = [0, MAX_WIDTH + 1, 1 << 31, u32::MAX - 1, u32::MAX];

#[test]
fn widths_out_of_range() {
    for width in WIDTHS {
        for ty in [uint(width), sint(width)] {
            let expressions: [fn(Expr<'_>, Type); 12] = [
                |a, ty| ignore(a.wrap(ty)),
                |a, ty| ignore(a.cast(ty)),
                |a, ty| ignore(a.saturate(ty)),
                |a, ty| ignore(a.truncate(ty.width)),
                |a, ty| ignore(a.slice(0, ty.width)),
                |a, ty| ignore(a.slice(ty.width, ty.width)),
                |a, ty| ignore(a.elements(ty)),
                |a, ty| ignore(a.as_signed().saturate(ty)),
                |a, ty| ignore(a.as_signed().abs().cast(ty)),
                |a, ty| ignore(a.as_signed().wrap(ty) - 1),
                |a, ty| ignore((-a).wrap(ty).msb()),
                |a, ty| ignore(a.wrap(ty).bits()),
            ];
            for expression in expressions {
                refused(|m| expression(m.input("a_i", uint(8)), ty));
            }
            let declarations: [fn(&ModuleBuilder, Type); 9] = [
                |m, ty| ignore(m.input("b_i", ty)),
                |m, ty| m.output("b_o", ty).set(-1),
                |m, ty| m.wire("b", ty).set(0),
                |m, ty| m.register("b", ty).reset(-1).set(-1),
                |m, ty| ignore(m.constant(-1, ty)),
                |m, ty| ignore(m.constant(1, ty).saturate(ty)),
                |m, ty| ignore(m.stream_in("s", &[("b", ty)])),
                |m, ty| m.memory("b", 4, ty).write(0, -1, true),
                |m, ty| ignore(m.memory("b", 4, ty).read("c", 0, true)),
            ];
            for declare in declarations {
                refused_for("E0202", |m| declare(m, ty));
            }
            assert!(!ty.holds(&0.into()));
            assert!(ty.min() <= ty.max());
        }
    }
}

#[test]
fn results_too_wide() {
    let wide = |m: &ModuleBuilder, describe: &dyn Fn(Expr<'_>)| {
        describe(m.input("a_i", uint(MAX_WIDTH)));
    };
    let expressions: [fn(Expr<'_>); 10] = [
        |a| ignore(a + 1),
        |a| ignore(a - 1),
        |a| ignore(-a),
        |a| ignore(a * a * a),
        |a| ignore(a << 1),
        |a| ignore(a << u32::MAX),
        |a| ignore(a.shift_left(1)),
        |a| ignore(a.truncate(8).shift_left(a.truncate(32))),
        |a| ignore(a.shift_left(a)),
        |a| ignore(a & -1),
    ];
    for expression in expressions {
        refused_for("E0202", |m| wide(m, &expression));
    }
    refused_for("E0202", |m| {
        let a = m.input("a_i", uint(MAX_WIDTH));
        concat(m, &[a; 70_000]);
    });
    // Shifts out of everything, however far, leave a value.
    emitted(|m| {
        let a = m.input("a_i", sint(8));
        m.output("a_o", sint(1)).set(a >> u32::MAX);
        m.output("b_o", bit()).set(a.as_unsigned() >> u32::MAX);
        m.output("c_o", sint(8)).set(a.shift_right(u64::MAX));
        m.output("d_o", bit()).set(a.bit_at(u128::MAX));
    });
    // So do operations at the limit.
    emitted(|m| {
        let a = m.input("a_i", sint(MAX_WIDTH));
        m.output("a_o", sint(8)).set(a.saturate(sint(8)));
        m.output("b_o", sint(MAX_WIDTH)).set(a.max(a.wrap(uint(3))));
        m.output("c_o", bit()).set(a.ge(-1) ^ a.any() ^ a.all() ^ a.parity());
    });
}

#[test]
fn indices_and_amounts_out_of_range() {
    let expressions: [fn(&ModuleBuilder, Expr<'_>); 16] = [
        |_, a| ignore(a.bit(8)),
        |_, a| ignore(a.bit(u32::MAX)),
        |_, a| ignore(a.slice(u32::MAX, 1)),
        |_, a| ignore(a.slice(1, u32::MAX)),
        |_, a| ignore(a.slice(u32::MAX, u32::MAX)),
        |_, a| ignore(a.truncate(u32::MAX)),
        |_, a| ignore(a.elements(uint(3))),
        |_, a| ignore(a.bit_at(-1)),
        |_, a| ignore(a.shift_left(-1)),
        |_, a| ignore(a.shift_right(i128::MIN)),
        |_, a| ignore(a.as_signed().select(&[a])),
        |_, a| ignore(a.select::<Expr<'_>>(&[])),
        |m, _| ignore(concat::<u32>(m, &[])),
        |m, _| ignore(pack::<Expr<'_>>(m, &[])),
        |m, a| m.memory("b", 4, uint(8)).write(-1, a, true),
        |m, _| m.register("b", uint(8)).reset(-1).reset(256).set(1),
    ];
    for expression in expressions {
        refused(|m| {
            let a = m.input("a_i", uint(8));
            m.discard(a);
            expression(m, a);
        });
    }
    // An index that reaches further than the elements.
    emitted(|m| {
        let a = m.input("a_i", uint(MAX_WIDTH));
        m.output("a_o", uint(8)).set(a.select(&[1, 255]));
    });
    for depth in [0, MAX_DEPTH + 1, u32::MAX] {
        refused(|m| {
            let a = m.input("a_i", uint(32));
            let memory = m.memory("cells", depth, uint(8));
            memory.write(a, 1, true);
            let data = memory.read("data", a, true) & memory.read_async("data_now", a);
            m.output("a_o", uint(8)).set(data);
        });
    }
}

fn pass() -> Arc<Module> {
    let m = ModuleBuilder::new("pass");
    let a = m.input("a_i", uint(8));
    m.output("a_o", uint(8)).set(a);
    m.finish().unwrap()
}

#[test]
fn arrays_out_of_range() {
    let all: [&[(&str, u32)]; 7] = [
        &[],
        &[("x", 0)],
        &[("x", u32::MAX)],
        &[("x", 65_536), ("y", 65_536)],
        &[("x", u32::MAX), ("y", u32::MAX), ("z", u32::MAX)],
        &[("x", 0), ("y", u32::MAX)],
        &[("x", 10_000)],
    ];
    for axes in all {
        in_moments(|| {
            refused(|m| {
                let a = m.input("a_i", uint(8));
                let cells = m.array("cells", axes, &pass());
                cells.chain("a_i", "a_o", "x", &[a]);
                cells.each("a_i", &[a, a, a]);
                cells.shift("a_i", "y", &[a], true);
                cells.outputs("a_o");
                cells.last("a_o", "x");
                cells.first("a_o", "none");
            })
        });
    }
    // Packed values that would be too wide.
    refused_for("E0202", |m| {
        let cells = m.array("cells", &[("x", 8193)], &pass());
        cells.each("a_i", &[0; 8193]);
        m.discard(cells.outputs("a_o")[8192]);
    });
    // As many as there may be take no more time or text than two.
    let text = in_moments(|| {
        emitted(|m| {
            let a = m.input("a_i", uint(8));
            let cells = m.array("cells", &[("x", MAX_ELEMENTS)], &pass());
            cells.chain("a_i", "a_o", "x", &[a]);
            m.output("a_o", uint(8)).set(cells.last("a_o", "x")[0]);
        })
    });
    assert!(text.len() < 2000, "{text}");
}

#[test]
fn handles_of_another_module() {
    let other = ModuleBuilder::new("other");
    let m = ModuleBuilder::new("example");
    let foreign = other.input("a_i", bit());
    let wide = other.input("b_i", uint(100));
    (0..100).for_each(|_| other.discard(foreign + 1));
    let clock = other.gated_clock("clock", foreign);
    let machine = other.state_machine("machine", &["One", "Two"]);

    let held = m.register("held", uint(8));
    m.when(foreign, || held.set(wide)).or_when(machine.is("Two"), || held.set(1)).otherwise(|| {
        m.switch(wide, |arms| arms.case(1, || held.set(wide)));
    });
    held.select(&[foreign, wide]);
    held.eq(foreign).mux(foreign, wide);
    concat(&m, &[foreign, wide]);
    m.gated_clock("another", foreign);
    m.assert("holds", foreign);
    m.discard(wide);
    m.delayed("late", wide);
    m.memory("cells", 8, uint(8)).write(wide, foreign, foreign);
    m.memory("more", 8, uint(8)).read("data", wide, foreign);
    m.instance("pass", &pass()).clocked_by(clock).connect("a_i", wide);
    let cells = m.array("cells", &[("x", 2)], &pass());
    cells.clocked_by(clock).each("a_i", &[wide, wide]);
    let Err(errors) = m.finish() else { panic!("it is accepted") };
    let foreign = errors.0.iter().filter(|error| error.kind.code() == "E0216").count();
    assert!(foreign >= 16, "{errors}");
    assert!(errors.0.iter().all(|error| error.source.0.file() == "tests/adversary.rs"));
}

#[test]
fn conditions_without_content() {
    let a_switch_without_arms = |m: &ModuleBuilder| {
        let a = m.input("a_i", uint(2));
        let b = m.output("b_o", bit());
        b.set(0);
        m.discard(a);
        m.switch(a, |_| {});
        m.when(a.any(), || {}).or_when(a.all(), || {}).otherwise(|| {});
        m.switch(a, |arms| arms.case(1, || {}));
    };
    emitted(a_switch_without_arms);
    refused_for("E0218", |m| {
        let a = m.input("a_i", uint(2));
        m.switch(a, |arms| arms.cases::<u32>(&[], || {}));
    });
    refused_for("E0212", |m| {
        let a = m.input("a_i", uint(2));
        m.switch(a, |arms| arms.cases(&[-1, 4], || {}));
    });
    refused_for("E0218", |m| {
        m.state_machine("machine", &[]).goto("None");
    });
    refused_for("E0221", |m| {
        let a = m.input("a_i", bit());
        let when = m.when(a, || {});
        m.when(a, || {});
        when.otherwise(|| {});
    });
    // An alternative from within another condition.
    refused_for("E0221", |m| {
        let a = m.input("a_i", bit());
        let when = m.when(a, || {});
        m.when(a, || when.otherwise(|| {}));
    });
}

#[test]
fn names_of_any_kind() {
    let long = "a".repeat(10_000);
    let names =
        ["", " ", "\0", "\u{e9}t\u{e9}", "\u{1f980}", "a\nb", "*/", "a;", "9", "module", &long];
    for name in names {
        let uses: [fn(&ModuleBuilder, &str); 12] = [
            |m, name| ignore(m.input(name, bit())),
            |m, name| m.wire(name, bit()).set(1),
            |m, name| m.output(name, bit()).set(1),
            |m, name| ignore(m.register(name, bit())),
            |m, name| ignore(m.delayed(name, 1)),
            |m, name| ignore(m.constant(1, bit()).named(name)),
            |m, name| ignore(m.state_machine(name, &[name, name])),
            |m, name| ignore(m.memory(name, 2, bit()).read(name, 0, true)),
            |m, name| ignore(m.stream_in(name, &[(name, bit())])[name]),
            |m, name| ignore(m.instance(name, &pass()).output(name)),
            |m, name| ignore(m.array(name, &[(name, 2)], &pass()).outputs(name)),
            |m, name| ignore(m.gated_clock(name, true)),
        ];
        for declare in uses {
            refused(|m| declare(m, name));
        }
        assert!(ModuleBuilder::new(name).finish().is_err(), "{name}");
        let suggestion = name::suggest(name);
        assert_eq!(name::check(&suggestion), Ok(()), "{name} became {suggestion}");
    }
    for text in ["", "*) wire a; (*", "keep\nmax", "caf\u{e9}"] {
        refused_for("E0221", |m| m.output("a_o", bit()).attribute(text).set(1));
    }
}

/// Chains of expressions longer than a stack is deep.
#[test]
fn deep_expressions() {
    const DEEP: u32 = 100_000;
    let text = in_moments(|| {
        emitted(|m| {
            let a = m.input("a_i", uint(8));
            let mut sum = a;
            for _ in 0..DEEP {
                sum = (sum + a).truncate(8);
            }
            m.output("a_o", uint(8)).set(sum);
        })
    });
    assert!(text.contains("assign a_o = "));
    in_moments(|| {
        emitted(|m| {
            let (a, b) = (m.input("a_i", uint(8)), m.input("b_i", bit()));
            let mut value = a;
            for step in 0..DEEP {
                value = match step % 5 {
                    0 => b.mux(value, a),
                    1 => (value * a).slice(3, 8),
                    2 => (!value).named("value"),
                    3 => value.as_signed().shift_right(b).as_unsigned(),
                    _ => value.named("again"),
                };
            }
            m.output("a_o", uint(8)).set(value);
        })
    });
    // The same value under one name after another.
    in_moments(|| {
        emitted(|m| {
            let mut value = m.input("a_i", uint(8));
            for _ in 0..DEEP {
                value = value.named("value");
            }
            m.output("a_o", uint(8)).set(value);
        })
    });
    // Twice the value before: as many paths as atoms in the world.
    in_moments(|| {
        emitted(|m| {
            let mut value = m.input("a_i", uint(8));
            for _ in 0..10_000 {
                value = (value + value).wrap(uint(8));
            }
            m.output("a_o", uint(8)).set(value);
        })
    });
}

#[test]
fn deep_conditions() {
    let alternatives = |count: u32| {
        described(move |m| {
            let a = m.input("a_i", uint(32));
            let held = m.register("held", uint(32));
            let mut when = m.when(a.eq(0), || held.set(0));
            for value in 1..count {
                when = when.or_when(a.eq(value), || held.set(value * 2));
            }
            m.output("a_o", uint(32)).set(held);
        })
    };
    let module = alternatives(1000).unwrap();
    verilog::emit(&module, &Style::default()).unwrap();
    eval::Evaluator::new(&module).unwrap().run(2);
    let errors = in_moments(|| alternatives(20_000)).unwrap_err();
    assert!(errors.to_string().contains("E0221"), "{errors}");

    fn nest(m: &ModuleBuilder, a: Expr<'_>, held: Signal<'_>, depth: u32) {
        match depth {
            0 => held.set(1),
            _ => ignore(m.when(a.eq(depth), || nest(m, a, held, depth - 1))),
        }
    }
    let nested = |depth: u32| {
        described(move |m| {
            let a = m.input("a_i", uint(32));
            let held = m.wire("held", uint(32));
            held.set(0);
            nest(m, a, held, depth);
            m.output("a_o", uint(32)).set(held);
        })
    };
    let module = nested(200).unwrap();
    let text = &verilog::emit(&module, &Style::default()).unwrap()[0].text;
    assert_eq!(text.matches("if (a_i == ").count(), 200);
    assert!(nested(1000).is_ok());
    let errors = nested(1001).unwrap_err();
    assert!(errors.to_string().contains("E0221"), "{errors}");
}

#[test]
fn many_signals() {
    const MANY: usize = 100_000;
    // One after the other.
    let text = in_moments(|| {
        emitted(|m| {
            let mut value = m.input("a_i", bit());
            for index in 0..MANY {
                value = m.delayed(format!("stage_{index}"), value);
            }
            m.output("a_o", bit()).set(value);
        })
    });
    assert!(text.contains("stage_99999_q <= stage_99998_q;"));
    // Under one condition, and under one each.
    for shared in [true, false] {
        in_moments(|| {
            emitted(|m| {
                let a = m.input("a_i", uint(17));
                let names = (0..MANY).map(|index| format!("held_{index}"));
                let held: Vec<_> = names.map(|name| m.register(name, bit()).reset(0)).collect();
                if shared {
                    m.when(a.any(), || held.iter().for_each(|held| held.set(1)));
                } else {
                    held.iter().enumerate().for_each(|(index, held)| {
                        m.when(a.eq(index), || held.set(1));
                    });
                }
                m.output("a_o", bit()).set(a.select(&held));
            })
        });
    }
    // In a switch, and as wires that two conditions drive.
    in_moments(|| {
        emitted(|m| {
            let a = m.input("a_i", uint(2));
            let all: Vec<_> = (0..10_000)
                .map(|index| {
                    let held = m.register(format!("held_{index}"), bit());
                    let wire = m.wire(format!("wire_{index}"), bit());
                    let other = m.wire(format!("other_{index}"), bit());
                    m.switch(a, |arms| {
                        arms.case(1, || held.set(1));
                        arms.default(|| held.set(0));
                    });
                    m.when(a.any(), || {
                        wire.set(held);
                        other.set(1);
                    })
                    .otherwise(|| {
                        wire.set(0);
                        other.set(held);
                    });
                    wire & other
                })
                .collect();
            m.output("a_o", bit()).set(concat(m, &all).any());
        })
    });
    // Ports.
    in_moments(|| {
        emitted(|m| {
            for index in 0..20_000 {
                let a = m.input(format!("a_{index}_i"), bit());
                m.output(format!("a_{index}_o"), bit()).set(a);
            }
        })
    });
}
