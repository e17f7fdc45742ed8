// Package {{package}} is the front door: its exported names are all there is to use.
package {{package}}
