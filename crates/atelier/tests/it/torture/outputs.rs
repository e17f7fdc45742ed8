//! What happens to the files that steps write.

use std::{fs, os::unix::fs::symlink};

use super::mill::{Mill, at_both_levels, chmod, step};

const ALL_RAN: &str = "gen ran, use ran, end ran, lone ran";
const ALL_SPARED: &str = "gen spared, use spared, end spared, lone spared";

/// Something that happens to outputs, and how.
type Harm<'a> = (&'a str, &'a dyn Fn(&Mill));

fn checked(mill: Mill) -> Mill {
    let mill = mill.plain();
    mill.check().is(0, ALL_RAN);
    mill
}

/// Two steps whose outputs are of every kind.
fn kinds(mut mill: Mill) -> Mill {
    mill.write("src/x.in", "x\n");
    let tree = "mkdir -p out/tree/sub/empty; cp src/x.in out/tree/one; cp src/x.in out/tree/sub/two; \
                printf 'echo hi' > out/tree/prog; chmod +x out/tree/prog; ln -s sub/two out/tree/link";
    let kinds = "cp src/x.in out/file; printf 'echo hi' > out/prog; chmod +x out/prog; \
                 ln -sf file out/link; ln -sf nowhere out/dangling";
    mill.steps = vec![
        step("tree", tree)
            .reads(&["src/x.in"])
            .writes(&["out/tree/"]),
        step("kinds", kinds).reads(&["src/x.in"]).writes(&[
            "out/file",
            "out/prog",
            "out/link",
            "out/dangling",
        ]),
    ];
    mill.check().is(0, "tree ran, kinds ran");
    mill.is_right();
    mill.check().is(0, "tree spared, kinds spared");
    mill
}

#[test]
fn a_deleted_output_comes_back() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        fs::remove_file(mill.path("out/use.txt")).unwrap();
        mill.check()
            .is(0, "gen spared, use restored, end spared, lone spared");
        mill.is_right();
        fs::remove_dir_all(mill.path("out")).unwrap();
        let restored = "gen restored, use restored, end restored, lone restored";
        mill.check().is(0, restored);
        mill.is_right();
        mill.check().is(0, ALL_SPARED);
    });
}

#[test]
fn a_tampered_output_is_put_right() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        let whole = mill.read("out/use.txt");
        for wrong in [
            "x".repeat(whole.len()),
            String::new(),
            format!("{whole}more\n"),
        ] {
            let time = fs::metadata(mill.path("out/use.txt"))
                .unwrap()
                .modified()
                .unwrap();
            mill.write("out/use.txt", wrong);
            let file = fs::File::options()
                .write(true)
                .open(mill.path("out/use.txt"))
                .unwrap();
            file.set_modified(time).unwrap();
            mill.check()
                .is(0, "gen spared, use restored, end spared, lone spared");
            mill.is_right();
        }
    });
}

#[test]
fn who_writes_to_a_restored_output_does_not_write_to_the_store() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        let large = "line\n".repeat(200_000);
        mill.write("src/lone.in", &large);
        mill.check()
            .is(0, "gen spared, use spared, end spared, lone ran");
        for path in ["out/lone.txt", "out/gen.txt", "out/use.txt", "out/end.txt"] {
            for _ in 0..2 {
                use std::io::Write as _;
                let mut file = fs::File::options()
                    .append(true)
                    .open(mill.path(path))
                    .unwrap();
                file.write_all(b"appended in place\n").unwrap();
                drop(file);
                assert_eq!(mill.check().ended.code, Some(0));
                mill.is_right();
            }
        }
        fs::remove_dir_all(mill.path("out")).unwrap();
        let restored = "gen restored, use restored, end restored, lone restored";
        mill.check().is(0, restored);
        mill.is_right();
    });
}

#[test]
fn a_folder_of_outputs_is_looked_into() {
    at_both_levels(|mill| {
        let mill = kinds(mill);
        let harm: [Harm<'_>; 9] = [
            ("a file is gone", &|mill| {
                fs::remove_file(mill.path("out/tree/one")).unwrap();
            }),
            ("a deep one too", &|mill| {
                fs::remove_file(mill.path("out/tree/one")).unwrap();
                fs::remove_dir_all(mill.path("out/tree/sub")).unwrap();
            }),
            ("an empty folder is gone", &|mill| {
                fs::remove_dir(mill.path("out/tree/sub/empty")).unwrap();
            }),
            ("a stray file", &|mill| {
                mill.write("out/tree/sub/stray", "stray");
            }),
            ("a stray folder", &|mill| {
                mill.write("out/tree/more/and/more", "stray");
            }),
            ("another case", &|mill| {
                fs::rename(mill.path("out/tree/one"), mill.path("out/tree/One")).unwrap();
            }),
            ("another content", &|mill| {
                mill.write("out/tree/sub/two", "y\n");
            }),
            ("a file for a link", &|mill| {
                fs::remove_file(mill.path("out/tree/link")).unwrap();
                mill.write("out/tree/link", "x\n");
            }),
            ("all of it", &|mill| {
                fs::remove_dir_all(mill.path("out/tree")).unwrap();
            }),
        ];
        for (what, harm) in harm {
            eprintln!("{what}");
            harm(&mill);
            mill.check().is(0, "tree restored, kinds spared");
            mill.is_right();
        }
    });
}

#[test]
fn links_and_programs_are_put_right() {
    at_both_levels(|mill| {
        let mill = kinds(mill);
        let harm: [Harm<'_>; 6] = [
            ("no program any more", &|mill| {
                chmod(&mill.path("out/prog"), 0o644);
            }),
            ("a program", &|mill| chmod(&mill.path("out/file"), 0o755)),
            ("another link", &|mill| {
                fs::remove_file(mill.path("out/link")).unwrap();
                symlink("prog", mill.path("out/link")).unwrap();
            }),
            ("a copy for a link", &|mill| {
                fs::remove_file(mill.path("out/link")).unwrap();
                fs::copy(mill.path("out/file"), mill.path("out/link")).unwrap();
            }),
            ("a link for a copy", &|mill| {
                fs::rename(mill.path("out/file"), mill.path("moved")).unwrap();
                symlink("../moved", mill.path("out/file")).unwrap();
            }),
            ("links are gone", &|mill| {
                for path in ["out/link", "out/dangling", "out/prog"] {
                    fs::remove_file(mill.path(path)).unwrap();
                }
            }),
        ];
        for (what, harm) in harm {
            eprintln!("{what}");
            harm(&mill);
            mill.check().is(0, "tree spared, kinds restored");
            mill.is_right();
            let _ = fs::remove_file(mill.path("moved"));
        }
    });
}

#[test]
fn a_folder_in_the_place_of_an_output_gives_no_wrong_result() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        let at = mill.path("out/use.txt");
        fs::remove_file(&at).unwrap();
        fs::create_dir(&at).unwrap();
        mill.check()
            .is(0, "gen spared, use restored, end spared, lone spared");
        mill.is_right();
        // Somebody's work stands there: it is put away by nobody but a person.
        fs::remove_file(&at).unwrap();
        mill.write("out/use.txt/precious", "mine\n");
        let checked = mill.check();
        assert_ne!(checked.ended.code, Some(0), "{}", checked.ended.all());
        let told = checked.ended.all();
        assert!(told.contains("out/use.txt"), "{told}");
        assert_eq!(mill.read("out/use.txt/precious"), "mine\n");
        fs::remove_dir_all(&at).unwrap();
        assert_eq!(mill.check().ended.code, Some(0));
        mill.is_right();
    });
}

#[test]
fn no_output_is_written_through_a_link_that_leads_out() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        let outside = mill.world.home.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("gen.txt"), "not yours\n").unwrap();
        fs::remove_dir_all(mill.path("out")).unwrap();
        symlink(&outside, mill.path("out")).unwrap();
        let checked = mill.check();
        assert_ne!(checked.ended.code, Some(0), "{}", checked.ended.all());
        assert_eq!(
            fs::read_to_string(outside.join("gen.txt")).unwrap(),
            "not yours\n"
        );
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    });
}

#[test]
fn what_a_step_no_longer_writes_goes() {
    at_both_levels(|mut mill| {
        mill.write("src/list/a", "a\n");
        mill.write("src/list/b", "b\n");
        let many = "for one in src/list/*; do cp $one out/many.${one##*/}; done";
        let tree = "mkdir -p out/tree; cp src/list/* out/tree/";
        mill.steps = vec![
            step("many", many)
                .reads(&["src/list/*"])
                .writes(&["out/many.*"]),
            step("tree", tree)
                .reads(&["src/list/*"])
                .writes(&["out/tree/"]),
        ];
        mill.check().is(0, "many ran, tree ran");
        mill.is_right();
        fs::remove_file(mill.path("src/list/b")).unwrap();
        mill.check().is(0, "many ran, tree ran");
        mill.is_right();
        mill.write("src/list/b", "b\n");
        mill.check().is(0, "many restored, tree restored");
        mill.is_right();
        fs::remove_file(mill.path("src/list/a")).unwrap();
        mill.check().is(0, "many ran, tree ran");
        mill.is_right();
        fs::remove_file(mill.path("src/list/b")).unwrap();
        mill.write("src/list/a", "a\n");
        mill.check().is(0, "many restored, tree restored");
        mill.is_right();
    });
}

#[test]
fn what_a_removed_step_made_goes() {
    at_both_levels(|mill| {
        let mut mill = checked(mill);
        let lone = mill.steps.pop().unwrap();
        mill.check().is(0, "gen spared, use spared, end spared");
        mill.is_right();
        mill.steps.push(lone);
        mill.check()
            .is(0, "gen spared, use spared, end spared, lone restored");
        mill.is_right();
    });
}

#[test]
fn what_stands_where_a_step_is_to_write_is_none_of_its_result() {
    at_both_levels(|mut mill| {
        mill.write("src/x.in", "x\n");
        // What was there before is appended to by careless steps.
        mill.write("out/log", "older\n");
        mill.steps = vec![
            step("log", "cat src/x.in >> out/log")
                .reads(&["src/x.in"])
                .writes(&["out/log"]),
        ];
        for content in ["x\n", "y\n", "z\n"] {
            mill.write("src/x.in", content);
            mill.check().is(0, "log ran");
            mill.is_right();
        }
    });
}

#[test]
fn an_output_that_is_not_made_is_a_failure() {
    at_both_levels(|mut mill| {
        mill.write("src/x.in", "x\n");
        mill.steps = vec![
            step("liar", "true")
                .reads(&["src/x.in"])
                .writes(&["out/never"]),
            step("after", "cat out/never > out/after")
                .reads(&["out/never"])
                .writes(&["out/after"]),
        ];
        for _ in 0..2 {
            let checked = mill.check().is(13, "liar failed, after unreached");
            let failure = checked.of("liar")["failure"].to_string();
            assert!(failure.contains("out/never"), "{failure}");
        }
    });
}

#[test]
fn a_large_output_is_whole() {
    at_both_levels(|mut mill| {
        mill.write("src/seed.in", "a");
        let script = "for i in 1 2 3 4 5; do head -c 1000000 /dev/zero | tr '\\0' $(cat src/seed.in); done > out/large; \
                      : > out/empty";
        mill.steps = vec![
            step("large", script)
                .reads(&["src/seed.in"])
                .writes(&["out/large", "out/empty"]),
        ];
        mill.check().is(0, "large ran");
        mill.is_right();
        mill.write("src/seed.in", "b");
        mill.check().is(0, "large ran");
        mill.is_right();
        mill.write("src/seed.in", "a");
        mill.check().is(0, "large restored");
        mill.is_right();
    });
}

#[test]
fn steps_that_share_a_folder_leave_each_other_what_they_made() {
    at_both_levels(|mut mill| {
        let mut made = Vec::new();
        for at in 0..12 {
            mill.write(&format!("src/{at}.in"), format!("{at}\n"));
            // A folder that its command cannot see belongs to others, too.
            let clean = if mill.level == "strong" {
                "rm -rf out;"
            } else {
                ""
            };
            let file = format!("ls -l out; cp src/{at}.in out/file{at}");
            let glob = format!("{clean} mkdir -p out; cp src/{at}.in out/glob{at}.x");
            let folder = format!("mkdir -p out/tree{at}/sub; cp src/{at}.in out/tree{at}/sub/x");
            for (script, writes, makes) in [
                (file, format!("out/file{at}"), format!("out/file{at}")),
                (glob, format!("out/glob{at}.*"), format!("out/glob{at}.x")),
                (
                    folder,
                    format!("out/tree{at}/"),
                    format!("out/tree{at}/sub/x"),
                ),
            ] {
                let one = step(&makes, &script).reads(&[&format!("src/{at}.in")]);
                mill.steps.push(one.writes(&[&writes]));
                made.push((makes, format!("{at}\n")));
            }
        }
        let checked = mill.check_with(&["--jobs", "8"]);
        assert_eq!(checked.ended.code, Some(0), "{}", checked.ended.all());
        for (path, content) in &made {
            assert_eq!(mill.read(path), *content, "{path}");
        }
        let again = mill.check();
        let spared = again.steps.values().filter(|word| **word == "spared");
        assert_eq!(spared.count(), made.len(), "{}", again.ended.all());
    });
}
