"""Displays for Phoebus (CS-Studio): what is drawn, how, and into which files.

`plan` makes screens of points, `layout` places their rows, `templates` are the rows, `bob` is the file format, and
`files` puts the result into a folder. See docs/how-to/cs-studio.md.
"""
