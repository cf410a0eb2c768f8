#!/bin/sh
sed -i "s/nothing/x/" "$1"
