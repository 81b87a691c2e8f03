"""Explorers: widgets that show at once what a control changes. Only this folder imports ipywidgets and anywidget."""
