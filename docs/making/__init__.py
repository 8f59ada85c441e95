"""What makes the documentation's site beside its pages: mkdocs' hook, the API's pages, pictures and costs."""
