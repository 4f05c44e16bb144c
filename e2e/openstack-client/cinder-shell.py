"""Runs many commands of the stock `cinder` client in one Python process, because its start takes a second.

Reads one JSON object a line, {"argv": [...], "env": {...}}, and answers each by one line, {"out", "err"}.
"""
import contextlib
import io
import json
import os
import sys

from cinderclient import shell
from cinderclient.v3.shell import AppendFilters
from keystoneauth1.identity.v3 import base

# A token is issued once for each person and project, as a script of one person would have it.
issue = base.BaseAuth.get_access
known = {}


def get_access(self, session, **kwargs):
    key = (os.environ['OS_USERNAME'], os.environ['OS_PROJECT_NAME'])
    if key not in known:
        known[key] = issue(self, session, **kwargs)
    self.auth_ref = known[key]
    return known[key]


base.BaseAuth.get_access = get_access


def run(argv):
    out, err = io.StringIO(), io.StringIO()
    AppendFilters.filters = []  # The client collects the filters of one command here.
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            shell.OpenStackCinderShell().main(argv)
        except SystemExit as ended:
            if ended.code not in (None, 0):
                print('exit %s' % ended.code, file=err)
        except BaseException as error:
            print('%s: %s' % (type(error).__name__, error), file=err)
    return {'out': out.getvalue(), 'err': err.getvalue()}


for line in sys.stdin:
    asked = json.loads(line)
    os.environ.update(asked['env'])
    print(json.dumps(run(asked['argv'])), flush=True)
