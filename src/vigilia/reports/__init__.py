"""Reports: incidents of a week, summed up and written as a workbook."""
