"""Real clients against one plane. The rows of the matrix explain their failures as tests do."""

import pytest

pytest.register_assert_rewrite("tests.e2e.clients.reading", "tests.e2e.clients.writing")
