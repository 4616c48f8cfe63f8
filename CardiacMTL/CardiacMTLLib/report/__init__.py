"""What a reader gets: the result record, the contact sheet, the report, the segmentation files."""
