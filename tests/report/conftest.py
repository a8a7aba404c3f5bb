"""The tests in a browser run where one is named; `make report-test` does."""

import os

collect_ignore = [] if os.environ.get("GAZESIM_CHROMIUM") else ["test_report_in_chromium.py"]
