//! What makes `si` at home in a shell: completions and manual pages.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{names, printed, si};

/// Commands that only `si` itself calls. Its help hides them.
const HIDDEN: [&str; 2] = ["worker", "probe"];

#[test]
fn completions_of_every_shell_know_all_commands_and_the_flags_of_an_experiment() {
    let folder = TempDir::new().expect("temporary folder");
    let mut words = commands(folder.path());
    words.extend(["seeds", "methods", "resume"].map(String::from));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(folder.path(), &["completions", shell]);
        for word in &words {
            assert!(script.contains(word), "{word} in {shell}");
        }
    }
}

#[test]
fn completions_leave_out_what_the_help_hides() {
    let folder = TempDir::new().expect("temporary folder");
    // In bash, the script has names and no descriptions.
    let script = printed(folder.path(), &["completions", "bash"]);
    for hidden in HIDDEN {
        assert!(!script.contains(hidden), "{hidden}");
    }
}

#[test]
fn completions_of_an_unknown_shell_are_refused_with_the_known_ones() {
    let folder = TempDir::new().expect("temporary folder");
    let output = si(folder.path(), &["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("bash, elvish, fish, powershell, zsh"),
        "{stderr}"
    );
}

#[test]
fn manual_page_names_every_command_that_the_help_shows() {
    let folder = TempDir::new().expect("temporary folder");
    let page = printed(folder.path(), &["man"]);
    assert!(page.contains(".TH si 1 "), "{page}");
    // In a manual page, a hyphen that is to be copied has a backslash.
    let page = page.replace('\\', "");
    for command in commands(folder.path()) {
        assert!(page.contains(&format!("si-{command}(1)")), "{command}");
    }
    for hidden in HIDDEN {
        assert!(!page.contains(&format!("si-{hidden}(1)")), "{hidden}");
    }
}

#[test]
fn manual_pages_of_all_commands_are_written_into_a_new_folder() {
    let parent = TempDir::new().expect("temporary folder");
    printed(parent.path(), &["man", "share/man1"]);
    let mut expected: Vec<String> = commands(parent.path())
        .iter()
        .map(|command| format!("si-{command}.1"))
        .chain(["si.1".to_string()])
        .collect();
    expected.sort();
    let pages = parent.path().join("share/man1");
    assert_eq!(names(&pages), expected);
    let page = fs::read_to_string(pages.join("si-split-mnist.1")).expect("a page");
    assert!(page.contains(r"\-\-seeds"), "{page}");
}

#[test]
fn a_folder_for_manual_pages_that_is_a_file_is_refused() {
    let parent = TempDir::new().expect("temporary folder");
    fs::write(parent.path().join("pages"), "").expect("a file");
    let output = si(parent.path(), &["man", "pages"]);
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("cannot create pages"), "{stderr}");
}

/// The commands in the program's help, without `help`.
fn commands(folder: &Path) -> Vec<String> {
    let help = printed(folder, &["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    // A description goes on in lines that are indented further.
    let is_first = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    list.lines()
        .take_while(|line| !line.is_empty())
        .filter(is_first)
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .map(String::from)
        .collect()
}
