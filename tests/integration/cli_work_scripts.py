#!/usr/bin/env python3
"""The scripts of examples/scripts/, as workers on a process of the sandbox; each with its normal case and its errors."""
import json
import os
import unittest

from cli_work_lib import WorkCase

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "scripts")


class Scripts(WorkCase):
    def outcomes(self, *args, **more):
        """What became of the jobs there are."""
        return self.lines(self.work("-o", "json", "--until-idle", "500ms", *args, **more))

    def test_charge_completes_with_variables_or_says_why_not(self):
        self.deploy()
        result = self.awaited({"amount": 30, "balance": 100})
        script = os.path.join(SCRIPTS, "charge.sh")
        self.expect(self.work("--count", "1", "--", script), 0, "")
        self.assertEqual(result(), {"amount": 30, "balance": 70, "charged": 30})
        self.create({"amount": 30, "balance": 25})
        errors = [line["error"] for line in self.outcomes("--", script)]
        self.assertEqual(errors, ["the card is short of 5"] * 3)
        self.create({"balance": 1})
        self.fails(r"\Ajob \d+ of process_\w+ has no amount or no balance\Z", "--", script)

    def test_ship_completes_fails_or_throws(self):
        self.deploy()
        env = {"DEPOT": self.path("depot")}
        ship = ("--outcomes", "--", os.path.join(SCRIPTS, "ship.sh"))
        result = self.awaited({"country": "DE"})
        line = self.one(*ship, env=env)
        self.assertEqual(result(), {"country": "DE", "parcel": "DE-" + line["key"]})
        self.create({"country": "Atlantis"})
        line = self.one(*ship, env=env)
        self.assertEqual((line["outcome"], line["error"]), ("thrown", 'nobody ships to "Atlantis"'))
        with open(self.path("depot/closed"), "w", encoding="utf-8"):
            pass
        self.create({"country": "NL"})
        self.assertEqual([line["error"] for line in self.outcomes(*ship, env=env)], ["the depot is closed"])

    def test_score_is_one_process_for_all(self):
        self.deploy()
        results = [self.awaited({"level": level}) for level in ("gold", "silver", "brass")]
        script = os.path.join(SCRIPTS, "score.sh")
        done = self.work("--count", "3", "--coprocess", script)
        self.expect(done, 0, "", r"\Ascore.sh: ready\n")
        self.assertEqual([result()["score"] for result in results], [90, 70, 10])
        self.create({"n": 1})
        self.fails(r"\Athe job has no level\Z", "--coprocess", script)


if __name__ == "__main__":
    unittest.main()
