"""Tests of {{title}}."""
