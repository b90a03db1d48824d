//! The Verilog of the systolic example.

#[allow(dead_code)]
#[path = "../examples/systolic.rs"]
mod example;

use lacuna::verilog::{self, Style};

#[test]
fn the_text_is_the_accepted_one() {
    let module = example::systolic(2, 3).unwrap_or_else(|errors| panic!("{errors}"));
    let files = verilog::emit(&module, &Style::default()).expect("it gates no clock");
    let names: Vec<&str> = files.iter().map(|file| file.module.as_str()).collect();
    assert_eq!(names, ["systolic_element", "systolic_2x3"]);
    for file in files {
        let generator = concat!("lacuna ", env!("CARGO_PKG_VERSION"));
        let text = file.text.replace(generator, "lacuna VERSION");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(file.module, text);
        });
    }
}
