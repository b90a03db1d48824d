pub fn check(_: &mut super::Module, _: &mut super::builder::Found) {}
pub fn check_black_box(_: &mut super::Module, _: &mut super::builder::Found) {}
