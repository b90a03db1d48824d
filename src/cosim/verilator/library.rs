//! The loaded library, and memory that belongs to it: all that the compiler cannot check is here.
//!
//! What holds throughout: the library was built by this crate from the shim that it was written
//! with, and was found whole. A model's places are valid as long as the model, which keeps the
//! library loaded. Nothing on the C++ side is tied to a thread but what each call sets first, so a
//! model may move between threads, while `&mut self` keeps two from entering it at once.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use super::messages::Kind;

/// The loaded library: the functions of the shim.
pub(super) struct Functions {
    open: unsafe extern "C" fn(bool, c_int, *mut *mut c_void) -> *mut c_void,
    close: unsafe extern "C" fn(*mut c_void),
    eval: unsafe extern "C" fn(*mut c_void, bool) -> bool,
    step: unsafe extern "C" fn(*mut c_void, bool) -> bool,
    message: unsafe extern "C" fn(*mut c_void, *mut RawMessage) -> bool,
    trace: unsafe extern "C" fn(*mut c_void, *const c_char) -> bool,
    coverage: unsafe extern "C" fn(*mut c_void, *const c_char) -> bool,
    /// The state of new models comes from a generator that all models share.
    opening: Mutex<()>,
    /// Last, so that it is unloaded when nothing points into it.
    _library: libloading::Library,
}

#[repr(C)]
struct RawMessage {
    kind: c_int,
    line: c_int,
    file: *const c_char,
    text: *const c_char,
}

/// Where a port lies; Verilator chooses the smallest that holds its width.
#[derive(Clone, Copy)]
enum Place {
    Bits8(NonNull<u8>),
    Bits16(NonNull<u16>),
    Bits32(NonNull<u32>),
    Bits64(NonNull<u64>),
    /// So many words, the lowest first.
    Words(NonNull<u32>, u32),
}

/// What a port is, wherever it lies.
#[derive(Clone, Copy)]
pub(super) struct Wire {
    pub width: u32,
    pub is_input: bool,
    /// Whether it and a port of the other direction are connected without a register between.
    pub through: bool,
}

/// All that an access has to know about a port.
pub(super) struct Pin {
    place: Place,
    /// The bits in use of the top limb, which has 64.
    mask: u64,
    /// The number of limbs before that.
    pub top: usize,
    pub is_input: bool,
    /// As in [`Wire`].
    pub through: bool,
}

/// A model and its ports.
pub(super) struct Model {
    handle: NonNull<c_void>,
    pins: Box<[Pin]>,
    functions: Arc<Functions>,
}

// SAFETY: see the head of the file; a model has no other owner.
unsafe impl Send for Model {}

impl Functions {
    pub fn load(path: &Path) -> Result<Functions, libloading::Error> {
        // SAFETY: the file is whole, and what runs when it is loaded are the constructors of
        // Verilator's runtime, which depend on nothing.
        let library = unsafe { libloading::Library::new(path) }?;
        // SAFETY: the shim defines these functions with these types.
        unsafe {
            Ok(Functions {
                open: *library.get(b"lacuna_open\0")?,
                close: *library.get(b"lacuna_close\0")?,
                eval: *library.get(b"lacuna_eval\0")?,
                step: *library.get(b"lacuna_step\0")?,
                message: *library.get(b"lacuna_message\0")?,
                trace: *library.get(b"lacuna_trace\0")?,
                coverage: *library.get(b"lacuna_coverage\0")?,
                opening: Mutex::new(()),
                _library: library,
            })
        }
    }
}

/// The bytes that a port of some width takes; the shim checks that Verilator agrees.
pub(super) fn place_bytes(width: u32) -> u32 {
    match width {
        0..=64 => width.div_ceil(8).next_power_of_two(),
        _ => 4 * width.div_ceil(32),
    }
}

impl Place {
    fn new(place: *mut c_void, width: u32) -> Place {
        let place = NonNull::new(place).expect("a port lies somewhere");
        match (width, place_bytes(width)) {
            (65.., bytes) => Place::Words(place.cast(), bytes / 4),
            (_, 1) => Place::Bits8(place.cast()),
            (_, 2) => Place::Bits16(place.cast()),
            (_, 4) => Place::Bits32(place.cast()),
            _ => Place::Bits64(place.cast()),
        }
    }
}

impl Pin {
    fn new(place: *mut c_void, wire: &Wire) -> Pin {
        let last = wire.width - 1;
        Pin {
            place: Place::new(place, wire.width),
            mask: u64::MAX >> (63 - last % 64),
            top: last as usize / 64,
            is_input: wire.is_input,
            through: wire.through,
        }
    }
}

fn pair([low, high]: [u32; 2]) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// Writes a value: whether it is another.
///
/// # Safety
/// The place can be read and written.
#[inline]
unsafe fn exchange<T: Copy + PartialEq>(place: NonNull<T>, new: T) -> bool {
    // SAFETY: the caller vouches for it.
    unsafe { place.replace(new) != new }
}

impl Model {
    /// A model with these ports, the reset last if there is one; its state is 0, or follows from a
    /// seed. Fails only if the model's constructor does.
    pub fn open(functions: &Arc<Functions>, wires: &[Wire], seed: Option<i32>) -> Option<Model> {
        let mut places = vec![null_mut(); wires.len()];
        let handle = {
            let _alone = functions.opening.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: there is room for as many ports as the library was built with, since its
            // key covers the table of ports.
            unsafe {
                (functions.open)(seed.is_some(), seed.unwrap_or_default(), places.as_mut_ptr())
            }
        };
        let handle = NonNull::new(handle)?;
        let pins = places.iter().zip(wires).map(|(&place, wire)| Pin::new(place, wire));
        Some(Model { handle, pins: pins.collect(), functions: functions.clone() })
    }

    /// What there is to know about a port.
    #[inline]
    pub fn pin(&self, port: usize) -> &Pin {
        &self.pins[port]
    }

    /// The low 64 bits of a port.
    #[inline]
    pub fn read(&self, port: usize) -> u64 {
        // SAFETY: the place is as large as its kind says; words are more than two.
        unsafe {
            match self.pins[port].place {
                Place::Words(place, _) => pair([place.read(), place.add(1).read()]),
                Place::Bits8(place) => u64::from(place.read()),
                Place::Bits16(place) => u64::from(place.read()),
                Place::Bits32(place) => u64::from(place.read()),
                Place::Bits64(place) => place.read(),
            }
        }
    }

    /// All of a port; there are as many limbs as it has.
    #[inline]
    pub fn read_all(&self, port: usize, limbs: &mut [u64]) {
        let Place::Words(place, words) = self.pins[port].place else {
            limbs[0] = self.read(port);
            return;
        };
        // SAFETY: there are that many words, and nobody writes them while `self` is borrowed.
        let words = unsafe { slice::from_raw_parts(place.as_ptr(), words as usize) };
        let (pairs, rest) = words.as_chunks::<2>();
        for (limb, &words) in limbs.iter_mut().zip(pairs) {
            *limb = pair(words);
        }
        if let (Some(limb), &[low]) = (limbs.last_mut(), rest) {
            *limb = u64::from(low);
        }
    }

    /// Sets 64 bits of a port, from `64 * limb` up, as far as it has them: whether that changed
    /// them.
    #[inline]
    pub fn write(&mut self, port: usize, limb: usize, value: u64) -> bool {
        let pin = &self.pins[port];
        let value = if limb == pin.top { value & pin.mask } else { value };
        // SAFETY: as for reading; nobody else looks at the place while the model does not run.
        unsafe {
            match pin.place {
                Place::Words(place, words) => {
                    let mut changed = false;
                    for (index, half) in [value as u32, (value >> 32) as u32].iter().enumerate() {
                        let index = 2 * limb + index;
                        changed |= index < words as usize && exchange(place.add(index), *half);
                    }
                    changed
                }
                _ if limb > 0 => false,
                Place::Bits8(place) => exchange(place, value as u8),
                Place::Bits16(place) => exchange(place, value as u16),
                Place::Bits32(place) => exchange(place, value as u32),
                Place::Bits64(place) => exchange(place, value),
            }
        }
    }

    /// Settles everything with the clock at a level: whether there are messages.
    #[inline]
    pub fn eval(&mut self, clock: bool) -> bool {
        // SAFETY: the handle is that of a model.
        unsafe { (self.functions.eval)(self.handle.as_ptr(), clock) }
    }

    /// The rising edge, after the low phase if `fall` says so: whether there are messages.
    #[inline]
    pub fn step(&mut self, fall: bool) -> bool {
        // SAFETY: the handle is that of a model.
        unsafe { (self.functions.step)(self.handle.as_ptr(), fall) }
    }

    /// Takes the oldest message: its kind, file, line and text.
    pub fn message(&mut self) -> Option<(Kind, String, u32, String)> {
        let mut raw = RawMessage { kind: 0, line: 0, file: null(), text: null() };
        // SAFETY: the handle is that of a model, and there is room for a message.
        if !unsafe { (self.functions.message)(self.handle.as_ptr(), &mut raw) } {
            return None;
        }
        // SAFETY: both strings end with 0 and stay until the next call.
        let [file, text] = [raw.file, raw.text].map(|text| unsafe { CStr::from_ptr(text) });
        let [file, text] = [file, text].map(|text| text.to_string_lossy().into_owned());
        Some((Kind::of(raw.kind), file, raw.line.try_into().unwrap_or_default(), text))
    }

    /// Begins a waveform; false if it cannot.
    pub fn trace(&mut self, path: &CString) -> bool {
        // SAFETY: the handle is that of a model, and the path ends with 0.
        unsafe { (self.functions.trace)(self.handle.as_ptr(), path.as_ptr()) }
    }

    /// Writes the coverage so far; false if it cannot.
    pub fn coverage(&mut self, path: &CString) -> bool {
        // SAFETY: the handle is that of a model, and the path ends with 0.
        unsafe { (self.functions.coverage)(self.handle.as_ptr(), path.as_ptr()) }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the handle is that of a model, and this is its last use.
        unsafe { (self.functions.close)(self.handle.as_ptr()) }
    }
}
