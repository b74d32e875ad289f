# Thin, over the presets of CMakePresets.json. PREFIX=DIR for install.
PREFIX ?= /usr/local

all:
	cmake --preset release && cmake --build --preset release
demo:
	sh scripts/demo
test:
	sh scripts/test
peers:
	sh tests/peers/run
bench:
	sh bench/run
fuzz:
	sh scripts/fuzz
soak:
	sh scripts/soak
check:
	sh scripts/check
docs:
	sh scripts/docs
install: all
	cmake --install build/release --prefix $(PREFIX)
clean:
	rm -rf build
.PHONY: all demo test peers bench fuzz soak check docs install clean
