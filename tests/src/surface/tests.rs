use super::*;

/// The lines of a library `a` whose files are given, its root first.
#[track_caller]
fn surface(files: &[(&str, &str)]) -> Vec<String> {
    let read = |file: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == file);
        found.map(|(_, text)| (*text).to_owned())
    };
    let lines = lines("a", Path::new("lib.rs"), &read).expect("it is read");
    lines.into_iter().collect()
}

#[track_caller]
fn listed(root: &str, wanted: &[&str]) {
    assert_eq!(surface(&[("lib.rs", root)]), wanted, "of {root}");
}

/// What is said when the first text becomes the second.
#[track_caller]
fn changed(old: &str, new: &str) -> Vec<String> {
    let [old, new] =
        [old, new].map(|root| surface(&[("lib.rs", root)]).into_iter().collect::<BTreeSet<_>>());
    changes(&old, &new)
}

#[test]
fn a_removed_pub_is_noticed() {
    let struct_with =
        |vis| format!("pub struct A {{ {vis} b: u8 }} impl A {{ {vis} fn c() {{}} }}");
    assert_eq!(
        changed(&struct_with("pub"), &struct_with("")),
        [
            "- a::A: pub struct A {}",
            "+ a::A: pub struct A { .. }",
            "- a::A::b: pub b: u8",
            "- a::A::c: pub fn c()",
        ]
    );
    assert_eq!(
        changed("pub mod b { pub fn c() {} }", "mod b { pub fn c() {} }"),
        ["- a::b: pub mod b", "- a::b::c: pub fn c()",]
    );
    assert_eq!(
        changed("mod b { pub struct C; } pub use b::C;", "mod b { pub struct C; } use b::C;"),
        ["- a::C: pub struct C",]
    );
}

#[test]
fn a_changed_signature_is_noticed() {
    assert_eq!(
        changed("pub fn b(c: u8) {}", "pub fn b(c: u16) {}"),
        ["- a::b: pub fn b(c: u8)", "+ a::b: pub fn b(c: u16)",]
    );
    assert_eq!(
        changed("pub trait B { fn c(&self); }", "pub trait B { fn c(&self) {} }"),
        ["- a::B::c: fn c(&self)", "+ a::B::c: fn c(&self) { .. }",]
    );
}

#[test]
fn an_added_variant_is_noticed() {
    assert_eq!(
        changed("pub enum B { C }", "pub enum B { C, D(u8), E { f: u8, } }"),
        ["+ a::B::D: D(u8)", "+ a::B::E: E { f: u8 }",]
    );
}

#[test]
fn a_lost_impl_is_noticed() {
    assert_eq!(
        changed("#[derive(Clone, Copy)] pub struct B;", "#[derive(Clone)] pub struct B;"),
        ["- a::B: impl Copy for B",]
    );
    let by_hand = "pub struct B; impl std::clone::Clone for B { fn clone(&self) -> Self { Self } }";
    assert!(changed("#[derive(Clone)] pub struct B;", by_hand).is_empty());
}

#[test]
fn what_no_user_sees_is_not_listed() {
    let hidden = "
        pub(crate) fn b() {}
        mod c { pub fn d() {} pub struct E; impl E { pub fn f() {} } impl Clone for E {} }
        struct G { pub h: u8 }
        #[cfg(test)] pub fn i() {}
        #[cfg(all(test, hub_loom))] pub mod nowhere;
        #[cfg(any(test, doctest))] pub fn j() {}
        use c::E;
        macro_rules! k { () => {} }
    ";
    listed(hidden, &[]);
}

#[test]
fn how_a_source_is_laid_out_does_not_matter() {
    let wide = "pub fn b<T>(mut c: Vec<&'static T>, (d, e): (u8,)) -> Option<(T,)> where T: Fn(u8) -> u8 + ?Sized {}";
    let tall = "pub fn b<\n T,\n>(\n  c: Vec<\n &'static T,\n>,\n _: (u8,),\n)\n -> Option<(T,)>\nwhere\n    T: Fn(u8,) -> u8 + ?Sized,\n{}";
    let line = "a::b: pub fn b<T>(c: Vec<&'static T>, _: (u8,)) -> Option<(T,)> where T: Fn(u8) -> u8 + ?Sized";
    listed(wide, &[line]);
    listed(tall, &[line]);
}

#[test]
fn a_line_reads_like_source() {
    let read = [
        "pub const B: &[&str; 2]",
        "pub fn c<'a, const N: usize>(d: &'a mut [u8; N], e: *const u8) -> impl Iterator<Item = &'a u8> + use<'a, N>",
        "pub fn f(g: for<'a> fn(&'a u8) -> bool, h: <u8 as Into<u16>>::Out, i: &dyn Fn(), j: !)",
        "pub type K = ::std::result::Result<(), Box<dyn Error + Send>>",
        "pub unsafe trait L<T = u8>: Clone + Into<T> where Self: Sized",
        "pub async unsafe extern \"C\" fn m()",
    ];
    for line in read {
        let source = match line {
            line if line.contains("const B") => format!("{line} = 1;"),
            line if line.contains("type") => format!("{line};"),
            line => format!("{line} {{}}"),
        };
        let lines = surface(&[("lib.rs", &source)]);
        assert!(lines.iter().any(|found| found.ends_with(&format!(": {line}"))), "{lines:?}");
    }
}

#[test]
fn modules_are_found_in_their_files() {
    let files = [
        ("lib.rs", "pub mod b; pub mod c { pub mod d; } #[path = \"other.rs\"] pub mod e;"),
        ("b/mod.rs", "pub mod f;"),
        ("b/f.rs", "pub fn g() {}"),
        ("c/d.rs", "pub fn h() {}"),
        ("other.rs", "pub fn i() {}"),
    ];
    let found = surface(&files);
    let functions: Vec<_> = found.iter().filter(|line| line.contains("fn")).collect();
    assert_eq!(
        functions,
        ["a::b::f::g: pub fn g()", "a::c::d::h: pub fn h()", "a::e::i: pub fn i()"]
    );
}

#[test]
fn a_missing_file_and_one_that_is_no_rust_are_errors() {
    let error = |root: &'static str| {
        let read = |file: &Path| (file == Path::new("lib.rs")).then(|| root.to_owned());
        lines("a", Path::new("lib.rs"), &read).expect_err("it is not read")
    };
    assert_eq!(error("mod b;"), "b/mod.rs cannot be read");
    assert!(error("pub fn").starts_with("lib.rs: "));
}

#[test]
fn what_is_re_exported_is_listed_once_and_the_other_places_point_to_it() {
    let root = "
        mod b { pub struct C; impl C { pub fn d(self) {} } pub fn b() {} }
        pub mod e { pub use crate::b::C as F; pub use super::b::*; pub struct G; }
        pub use self::{b::{b, C}, e::G};
        pub use other::{thing::{self, Part as Piece}, things::*};
    ";
    listed(
        root,
        &[
            "a::*: pub use other::things::*",
            "a::C: pub struct C",
            "a::C::d: pub fn d(self)",
            "a::G: pub use a::e::G",
            "a::Piece: pub use other::thing::Part",
            "a::b: pub fn b()",
            "a::e: pub mod e",
            "a::e::C: pub use a::C",
            "a::e::F: pub use a::C",
            "a::e::G: pub struct G",
            "a::e::b: pub use a::b",
            "a::thing: pub use other::thing",
        ],
    );
}

#[test]
fn impls_are_listed_where_users_find_them() {
    let root = "
        mod b { pub struct C<T>(T); pub trait D {} pub(crate) trait Hidden {} }
        pub use b::{C, D};
        mod e {
            use super::b::*;
            impl<T: Copy> C<T> { pub const F: u8 = 1; pub fn g(&self) {} fn h(&self) {} }
            impl<T> Iterator for C<T> where T: Copy, { type Item = T; fn next(&mut self) -> Option<T> { None } }
            impl D for Vec<u8> {}
            impl From<u8> for Box<C<u8>> {}
            impl Hidden for C<u8> {}
            impl Drop for Private {}
            struct Private;
            impl D for Private {}
        }
    ";
    listed(
        root,
        &[
            "a::C: impl From<u8> for Box<C<u8>>",
            "a::C: impl<T> Iterator for C<T> where T: Copy { type Item = T; }",
            "a::C: pub struct C<T>(_)",
            "a::C::F: impl<T: Copy> C<T> { pub const F: u8 }",
            "a::C::g: impl<T: Copy> C<T> { pub fn g(&self) }",
            "a::D: impl D for Vec<u8>",
            "a::D: pub trait D",
        ],
    );
}

#[test]
fn features_and_what_else_matters_stand_in_front() {
    let root = "
        #[cfg(feature = \"b\")] pub mod c { pub fn d() {} #[doc(hidden)] pub fn e() {} }
        #[cfg(not(test))] #[non_exhaustive] #[derive(other::Thing)] pub enum F { #[deprecated] G }
        mod h { pub struct I; #[cfg(feature = \"j\")] impl I { pub fn k() {} } }
        #[cfg(unix)] pub use h::I;
    ";
    listed(
        root,
        &[
            "a::F: #[derive(other::Thing)]",
            "a::F: #[non_exhaustive] pub enum F",
            "a::F::G: #[deprecated] G",
            "a::I: #[cfg(unix)] pub struct I",
            "a::I::k: #[cfg(feature = \"j\")] #[cfg(unix)] pub fn k()",
            "a::c: #[cfg(feature = \"b\")] pub mod c",
            "a::c::d: #[cfg(feature = \"b\")] pub fn d()",
            "a::c::e: #[cfg(feature = \"b\")] #[doc(hidden)] pub fn e()",
        ],
    );
}

#[test]
fn macros_are_listed_by_their_rules_and_their_calls() {
    let root = "
        #[macro_export] macro_rules! b { ($c:ident { $($d:expr),* }) => {}; () => {}; }
        macro_rules! e { ($($f:ident)*) => { $(impl Clone for $f {})* }; }
        macro_rules! g { () => {} }
        pub struct H;
        struct I;
        impl H { j! { /// K
            k: u8; l: u16; } }
        e!(H); e!(I); g!(); o!();
        macro_rules! o { () => { impl Clone for H {} } }
        mod p { macro_rules! q { ($r:ident) => { pub struct $r; impl $r {} } } q!(R); }
        pub use p::R;
        pin_project! { pub struct M { #[pin] pub n: u8 } }
    ";
    let found = surface(&[("lib.rs", root)]);
    assert_eq!(
        found,
        [
            "a::H: pub struct H",
            "a::H::j!: k: u8",
            "a::H::j!: l: u16",
            "a::M: pub struct M {}",
            "a::M::n: pub n: u8",
            "a::R: pub use p::R",
            "a::b!: #[macro_export] ($c: ident { $($d: expr), * })",
            "a::b!: #[macro_export] ()",
            "a::e!: H",
            "a::o!: ()",
            "a::p::q!: R",
        ]
    );
}
