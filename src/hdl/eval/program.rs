//! What runs: instructions on a slab of limbs.
//!
//! Instructions are sorted by level, and within a level by kind. Whatever stands on one level is
//! independent of the rest of it, so that a run of one kind is a short loop with one branch for
//! all, which is what makes arrays of alike cells fast.

use super::limbs::{BITS, extend};
use super::wide::{self, WideOp};

/// What an instruction does with limbs `a`, `b`, `c` and the shift amounts `s` and `t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `a`
    Copy,
    /// `a + b`
    Add,
    /// `a + b`, the result's low `64 - s` bits read as signed.
    AddSigned,
    /// `a + b`, the result's low `64 - s` bits read as unsigned.
    AddUnsigned,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a & b`
    And,
    /// `a | b`
    Or,
    /// `a ^ b`
    Xor,
    /// `!a`
    Not,
    /// `a == b`
    Equal,
    /// `a != b`
    Unequal,
    /// `a < b`, unsigned.
    LessUnsigned,
    /// `a <= b`, unsigned.
    LessEqualUnsigned,
    /// `a < b`, signed.
    LessSigned,
    /// `a <= b`, signed.
    LessEqualSigned,
    /// Whether `a` has an odd number of ones.
    Parity,
    /// `a` if `c` is not 0, else `b`.
    Mux,
    /// `a << b`
    ShiftLeft,
    /// `a >> b`, unsigned.
    ShiftRightUnsigned,
    /// `a >> b`, signed.
    ShiftRightSigned,
    /// `a << s >> t`: a field of one limb, unsigned.
    FieldUnsigned,
    /// `a << s >> t`: a field of one limb, signed.
    FieldSigned,
    /// A field that starts at bit `s` of limb `a` and ends in limb `b`, and is `64 - t` wide.
    Straddle,
    /// `a << s` above the low `64 - t` bits of `b`.
    Join,
    /// Element `a` of the `c` slots that stand at `b` in the pool; 0 beyond.
    Select,
    /// Element `a` of the `c` elements that start at slot `b`; 0 beyond.
    Fetch,
    /// The operation at `a` in the table of wide ones.
    Wide,
}

/// An instruction: a kind, and slots in the slab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instr {
    pub kind: Kind,
    pub s: u8,
    pub t: u8,
    pub to: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
}

/// Instructions that stand next to each other and are alike.
#[derive(Clone, Copy, Debug)]
struct Run {
    kind: Kind,
    end: usize,
}

/// Instructions in an order in which they can run.
#[derive(Default)]
pub(super) struct Program {
    code: Vec<Instr>,
    runs: Vec<Run>,
    wide: Vec<WideOp>,
    pool: Vec<u32>,
}

/// A program in the making.
#[derive(Default)]
pub(super) struct Draft {
    code: Vec<(u32, Instr)>,
    wide: Vec<WideOp>,
    pool: Vec<u32>,
}

impl Draft {
    /// Adds an instruction that needs results of levels below `level` only.
    pub(super) fn push(&mut self, level: u32, instr: Instr) {
        self.code.push((level, instr));
    }

    /// Adds an operation on more than one limb.
    pub(super) fn push_wide(&mut self, level: u32, op: WideOp) {
        let (kind, a) = (Kind::Wide, self.wide.len() as u32);
        self.wide.push(op);
        self.push(level, Instr { kind, s: 0, t: 0, to: 0, a, b: 0, c: 0 });
    }

    /// Adds slots to the pool and says where they start.
    pub(super) fn push_slots(&mut self, slots: impl Iterator<Item = u32>) -> u32 {
        let first = self.pool.len() as u32;
        self.pool.extend(slots);
        first
    }

    pub(super) fn finish(mut self) -> Program {
        self.code.sort_by_key(|(level, instr)| (*level, instr.kind));
        let mut runs: Vec<Run> = Vec::new();
        for (position, (_, instr)) in self.code.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if run.kind == instr.kind => run.end = position + 1,
                _ => runs.push(Run { kind: instr.kind, end: position + 1 }),
            }
        }
        let code = self.code.into_iter().map(|(_, instr)| instr).collect();
        Program { code, runs, wide: self.wide, pool: self.pool }
    }
}

impl Program {
    /// Computes every result once.
    pub(super) fn run(&self, slab: &mut [u64]) {
        let mut start = 0;
        for run in &self.runs {
            let code = &self.code[start..run.end];
            start = run.end;
            match run.kind {
                Kind::Copy => unary(code, slab, |_, a| a),
                Kind::Add => binary(code, slab, |_, a, b| a.wrapping_add(b)),
                Kind::AddSigned => binary(code, slab, |i, a, b| {
                    ((a.wrapping_add(b) << (i.s & 63)) as i64 >> (i.s & 63)) as u64
                }),
                Kind::AddUnsigned => {
                    binary(code, slab, |i, a, b| a.wrapping_add(b) << (i.s & 63) >> (i.s & 63));
                }
                Kind::Sub => binary(code, slab, |_, a, b| a.wrapping_sub(b)),
                Kind::Mul => binary(code, slab, |_, a, b| a.wrapping_mul(b)),
                Kind::And => binary(code, slab, |_, a, b| a & b),
                Kind::Or => binary(code, slab, |_, a, b| a | b),
                Kind::Xor => binary(code, slab, |_, a, b| a ^ b),
                Kind::Not => unary(code, slab, |_, a| !a),
                Kind::Equal => binary(code, slab, |_, a, b| u64::from(a == b)),
                Kind::Unequal => binary(code, slab, |_, a, b| u64::from(a != b)),
                Kind::LessUnsigned => binary(code, slab, |_, a, b| u64::from(a < b)),
                Kind::LessEqualUnsigned => binary(code, slab, |_, a, b| u64::from(a <= b)),
                Kind::LessSigned => {
                    binary(code, slab, |_, a, b| u64::from((a as i64) < b as i64));
                }
                Kind::LessEqualSigned => {
                    binary(code, slab, |_, a, b| u64::from(a as i64 <= b as i64));
                }
                Kind::Parity => unary(code, slab, |_, a| u64::from(a.count_ones()) & 1),
                Kind::Mux => mux(code, slab),
                Kind::ShiftLeft => {
                    binary(code, slab, |_, a, b| if b < u64::from(BITS) { a << b } else { 0 });
                }
                Kind::ShiftRightUnsigned => {
                    binary(code, slab, |_, a, b| if b < u64::from(BITS) { a >> b } else { 0 });
                }
                Kind::ShiftRightSigned => {
                    binary(code, slab, |_, a, b| (a as i64 >> b.min(63)) as u64);
                }
                Kind::FieldUnsigned => unary(code, slab, |i, a| a << (i.s & 63) >> (i.t & 63)),
                Kind::FieldSigned => {
                    unary(code, slab, |i, a| ((a << (i.s & 63)) as i64 >> (i.t & 63)) as u64);
                }
                Kind::Straddle => binary(code, slab, |i, a, b| {
                    let joined = a >> i.s | b << (BITS - u32::from(i.s));
                    extend(joined, BITS - u32::from(i.t), false)
                }),
                Kind::Join => {
                    binary(code, slab, |i, a, b| a << (i.s & 63) | b << (i.t & 63) >> (i.t & 63))
                }
                Kind::Select => self.select(code, slab),
                Kind::Fetch => fetch(code, slab),
                Kind::Wide => {
                    for instr in code {
                        wide::run(&self.wide[instr.a as usize], slab);
                    }
                }
            }
        }
    }

    fn select(&self, code: &[Instr], slab: &mut [u64]) {
        for i in code {
            let index = slab[i.a as usize];
            slab[i.to as usize] = if index < u64::from(i.c) {
                slab[self.pool[i.b as usize + index as usize] as usize]
            } else {
                0
            };
        }
    }
}

#[inline(always)]
fn unary(code: &[Instr], slab: &mut [u64], f: impl Fn(&Instr, u64) -> u64) {
    for i in code {
        slab[i.to as usize] = f(i, slab[i.a as usize]);
    }
}

#[inline(always)]
fn binary(code: &[Instr], slab: &mut [u64], f: impl Fn(&Instr, u64, u64) -> u64) {
    for i in code {
        slab[i.to as usize] = f(i, slab[i.a as usize], slab[i.b as usize]);
    }
}

fn fetch(code: &[Instr], slab: &mut [u64]) {
    for i in code {
        let index = slab[i.a as usize];
        let inside = index < u64::from(i.c);
        slab[i.to as usize] = if inside { slab[i.b as usize + index as usize] } else { 0 };
    }
}

fn mux(code: &[Instr], slab: &mut [u64]) {
    for i in code {
        // Both sides are read first, which leaves no branch on the condition.
        let (a, b) = (slab[i.a as usize], slab[i.b as usize]);
        slab[i.to as usize] = if slab[i.c as usize] != 0 { a } else { b };
    }
}
