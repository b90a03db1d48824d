//! The Verilog of the systolic example.

#[allow(dead_code)]
#[path = "../examples/systolic/systolic.rs"]
mod systolic;

#[test]
fn the_text_is_the_accepted_one() {
    let module = systolic::systolic(2, 3).unwrap_or_else(|errors| panic!("{errors}"));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        lacuna::assert_verilog_snapshot!("systolic_2x3", module);
        lacuna::assert_netlist_snapshot!("systolic_2x3.netlist", module);
    });
}
