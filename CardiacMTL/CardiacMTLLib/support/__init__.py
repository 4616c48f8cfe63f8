"""What helps to find out what went wrong, without a word about a patient: the log file and the support bundle."""
