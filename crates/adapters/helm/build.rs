//! The charts are compiled in; a change of any of them compiles this crate again.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../../charts");
}
