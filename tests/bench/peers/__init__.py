"""The servers to race against, each as its own documentation recommends for production."""
