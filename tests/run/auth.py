#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""auth: credentials for test:///FILE with users, from callbacks and from auth.conf: stock's library and ours ask, accept and refuse
the same."""

import json
import os
import subprocess
import sys
import tempfile

from lab import Skip, Suite, build_dir

NODE = "<node><auth><user password='pw'>fred</user><user>free</user></auth></node>"
KEPT = "[credentials-x]\nusername={}\n{}[auth-test-{}]\ncredentials=x\n"
AUTHNAME, PASSPHRASE = 2, 5
# name: (auth.conf, types that the callback takes or None: no callback, answers)
CASES = {
    "nobody_to_ask": ("", None, {}),
    "callback": ("", (AUTHNAME, PASSPHRASE), {AUTHNAME: "fred", PASSPHRASE: "pw"}),
    "wrong_password": ("", (AUTHNAME, PASSPHRASE), {AUTHNAME: "fred", PASSPHRASE: "no"}),
    "wrong_user": ("", (AUTHNAME, PASSPHRASE), {AUTHNAME: "anna", PASSPHRASE: "pw"}),
    "no_password_wanted": ("", (AUTHNAME,), {AUTHNAME: "free"}),
    "no_names": ("", (PASSPHRASE,), {PASSPHRASE: "pw"}),
    "no_passwords": ("", (AUTHNAME,), {AUTHNAME: "fred"}),
    "file": (KEPT.format("fred", "password=pw\n", "localhost"), None, {}),
    "file_default": (KEPT.format("fred", "password=pw\n", "default"), None, {}),
    "file_free": (KEPT.format("free", "", "default"), None, {}),
    "file_wrong": (KEPT.format("fred", "password=no\n", "default"), None, {}),
    "file_and_callback": (KEPT.format("fred", "", "default"), (AUTHNAME, PASSPHRASE), {PASSPHRASE: "pw"}),
    "file_other_host": (KEPT.format("fred", "password=pw\n", "elsewhere"), None, {}),
    "file_no_group": ("[auth-test-default]\ncredentials=y\n", None, {}),
    "file_no_name": ("[auth-test-default]\nother=y\n", None, {}),
}


def attempt(libvirt, uri, types, answers):
    asked = []

    def answer(credentials, _opaque):
        for credential in credentials:
            asked.append(credential[:3])
            credential[4] = answers.get(credential[0])
        return 0

    try:
        libvirt.openAuth(uri, [list(types or ()), answer if types else None, None], 0).close()
        return ["opened", asked]
    except libvirt.libvirtError as error:
        return [error.get_error_code(), error.get_error_domain(), error.get_error_message(), asked]


def work():
    import libvirt
    libvirt.registerErrorHandler(lambda *_: None, None)
    results = {}
    with tempfile.TemporaryDirectory(prefix="auth-") as folder:
        node, conf = f"{folder}/node.xml", f"{folder}/auth.conf"
        os.environ["LIBVIRT_AUTH_FILE"] = conf
        with open(node, "w", encoding="utf-8") as file:
            file.write(NODE)
        for name, (text, types, answers) in CASES.items():
            with open(conf, "w", encoding="utf-8") as file:
                file.write(text)
            results[name] = attempt(libvirt, f"test:///{node}", types, answers)
    print(json.dumps(results).replace(folder, "FOLDER"))


def run(library):
    env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    if library:
        env["LD_LIBRARY_PATH"] = library
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--worker"], env=env, capture_output=True, text=True, check=False)
    if "No module named 'libvirt'" in done.stderr:
        raise Skip("python3-libvirt is not installed")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def main():
    if sys.argv[1:] == ["--worker"]:
        work()
        return
    suite = Suite()
    theirs, ours = {}, {}

    def both():
        theirs.update(run(None))
        ours.update(run(os.path.join(build_dir(), "libvirt", ".libs")))

    def compare(name):
        assert ours[name] == theirs[name], f"stock {theirs[name]}, ours {ours[name]}"

    suite.run("both_libraries", both)
    for name in theirs:
        suite.run(name, compare, name)
    suite.done()


main()
