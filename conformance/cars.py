"""Archives cross between the program and the libraries of IPFS's own makers, both ways.

    python3 conformance/cars.py PROGRAM
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARIES = os.path.join(ROOT, "target", "tools", "cars")


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as home:
        cross(program, home)


def cross(program, home):
    environment = {"PATH": os.environ["PATH"], "HOME": home, "GIT_CONFIG_NOSYSTEM": "1"}

    def run(folder, *words):
        place = os.path.join(home, folder)
        os.makedirs(place, exist_ok=True)
        done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def archive(folder, *words):
        return json.loads(run(folder, program, "--json", "archive", *words))

    def repository(folder):
        run(folder, "git", "init", "-q")

    plain, sealed, anew, own, back = (
        os.path.join(home, f"{name}.car") for name in ("plain", "sealed", "anew", "own", "back")
    )
    repository("one")
    run("one", program, "plan", "a list of things to do in Python", "--provider", "offline")
    made = archive("one", "export", plain)
    archive("one", "export", sealed, "--sealed")
    assert made["answers"] > 0, made

    script = shutil.copy(os.path.join(ROOT, "conformance", "cars.mjs"), LIBRARIES)
    read = json.loads(run("", "node", script, plain, sealed, anew, own))
    assert read["root"] == made["root"], (read, made)

    repository("two")
    brought = archive("two", "import", anew)
    assert brought["new"] == made["answers"] and not brought["damaged"], brought
    again = archive("two", "export", back)
    assert again["root"] == made["root"], (again, made)
    brought = archive("two", "import", own)
    assert (brought["new"], brought["root"]) == (1, read["own"]), brought
    print(
        f"{made['answers']} answers in {read['blocks']} blocks ({read['sealed']} sealed) read, "
        "verified and written by @ipld/car and @ipld/dag-cbor; brought back from there; "
        "one archive made there brought here"
    )


if __name__ == "__main__":
    main()
