//! The output of `--help`.

use tempfile::TempDir;

use crate::si;

#[test]
fn help_of_the_program() {
    insta::assert_snapshot!(help(&["--help"]));
}

#[test]
fn help_of_split_mnist() {
    insta::assert_snapshot!(help(&["split-mnist", "--help"]));
}

#[test]
fn help_of_theory() {
    insta::assert_snapshot!(help(&["theory", "--help"]));
}

#[test]
fn help_of_schematics() {
    insta::assert_snapshot!(help(&["schematics", "--help"]));
}

#[test]
fn help_of_permuted_mnist() {
    insta::assert_snapshot!(help(&["permuted-mnist", "--help"]));
}

#[test]
fn help_of_sweep() {
    insta::assert_snapshot!(help(&["sweep", "-h"]));
}

#[test]
fn help_of_compare() {
    insta::assert_snapshot!(help(&["compare", "--help"]));
}

#[test]
fn help_of_frontier() {
    insta::assert_snapshot!(help(&["frontier", "--help"]));
}

#[test]
fn help_of_repro() {
    insta::assert_snapshot!(help(&["repro", "--help"]));
}

#[test]
fn help_of_status() {
    insta::assert_snapshot!(help(&["status", "--help"]));
}

#[test]
fn help_of_merge() {
    insta::assert_snapshot!(help(&["merge", "--help"]));
}

#[test]
fn help_of_metrics() {
    insta::assert_snapshot!(help(&["metrics", "--help"]));
}

#[test]
fn short_version_is_the_version_alone() {
    let version = help(&["-V"]);
    assert_eq!(version, format!("si {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn long_version_says_the_version_of_burn_and_the_backends_inside() {
    let version = help(&["--version"]);
    let [program, burn, backends] = version.lines().collect::<Vec<_>>()[..] else {
        panic!("three lines are expected: {version}");
    };
    assert_eq!(program, format!("si {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(burn, "Burn 0.22.1");
    let backends = backends.strip_prefix("backends: ").expect("a list");
    let is_inside = |backend| backends.split(", ").any(|it| it == backend);
    for (backend, is_compiled) in [
        ("flex", cfg!(feature = "flex")),
        ("ndarray", cfg!(feature = "ndarray")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("cuda", cfg!(feature = "cuda")),
    ] {
        assert_eq!(is_inside(backend), is_compiled, "{backend} in {version}");
    }
}

#[test]
fn list_of_devices_includes_flex() {
    let devices = help(&["devices"]);
    let flex = devices.lines().find(|line| line.starts_with("flex "));
    assert!(flex.is_some_and(|line| line.contains(" yes ")), "{devices}");
    assert!(
        devices.contains("--device auto, the default, is "),
        "{devices}"
    );
}

#[test]
fn measured_products_of_flex_are_exact() {
    let devices = help(&["devices", "--measure"]);
    let flex = devices.lines().find(|line| line.starts_with("flex "));
    let flex = flex.expect("flex is compiled in");
    assert!(flex.contains(", float32 products exact  "), "{devices}");
}

fn help(args: &[&str]) -> String {
    let folder = TempDir::new().expect("temporary folder");
    let output = si(folder.path(), args);
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("help in UTF-8")
}

#[test]
fn list_of_methods() {
    insta::assert_snapshot!(help(&["methods"]));
}
