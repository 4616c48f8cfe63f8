"""Where training data come from: one file a layout of folders, all of which become `SourceCase`."""
