// SPDX-License-Identifier: MIT
// A program on onnxruntime_go: typed tensors, metadata, strings, sequences, options, IO of changing sizes, errors.
package main

import (
	"fmt"
	"os"
	"reflect"

	ort "github.com/yalue/onnxruntime_go"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func equal(got, want any) {
	if !reflect.DeepEqual(got, want) {
		must(fmt.Errorf("got %v, expected %v", got, want))
	}
}

func main() {
	file := func(name string) string { return os.Args[2] + "/" + name + ".onnx" }
	ort.SetSharedLibraryPath(os.Args[1])
	must(ort.InitializeEnvironment())
	defer ort.DestroyEnvironment()

	inputs, outputs, err := ort.GetInputOutputInfo(file("dense"))
	must(err)
	equal(inputs[0].Name+" "+outputs[0].Name, "X Y")
	equal([]int64(inputs[0].Dimensions), []int64{-1, 3})
	options, err := ort.NewSessionOptions()
	must(err)
	must(options.SetIntraOpNumThreads(1))
	session, err := ort.NewDynamicAdvancedSession(file("dense"), []string{"X"}, []string{"Y"}, options)
	must(err)
	for rows := int64(1); rows < 4; rows++ {
		ones := make([]float32, 3*rows)
		for i := range ones {
			ones[i] = 1
		}
		x, err := ort.NewTensor(ort.NewShape(rows, 3), ones)
		must(err)
		out := []ort.Value{nil}
		must(session.Run([]ort.Value{x}, out))
		y := out[0].(*ort.Tensor[float32])
		equal([]int64(y.GetShape()), []int64{rows, 2})
		equal(y.GetData()[:2], []float32{9, 12})
		must(y.Destroy())
		must(x.Destroy())
	}
	metadata, err := session.GetModelMetadata()
	must(err)
	producer, err := metadata.GetProducerName()
	must(err)
	colour, present, err := metadata.LookupCustomMetadataMap("colour")
	must(err)
	equal(fmt.Sprint(producer, colour, present), "clientsgreentrue")
	must(metadata.Destroy())
	wrong, err := ort.NewTensor(ort.NewShape(1, 2), []float32{1, 2})
	must(err)
	if session.Run([]ort.Value{wrong}, []ort.Value{nil}) == nil {
		must(fmt.Errorf("a wrong shape was taken"))
	}
	must(session.Destroy())
	must(options.Destroy())

	words, err := ort.NewStringTensor(ort.NewShape(3))
	must(err)
	must(words.SetContents([]string{"one", "", "zwölf"}))
	strings, err := ort.NewDynamicAdvancedSession(file("strings"), []string{"S"}, []string{"T"}, nil)
	must(err)
	out := []ort.Value{nil}
	must(strings.Run([]ort.Value{words}, out))
	said, err := out[0].(*ort.StringTensor).GetContents()
	must(err)
	equal(said, []string{"one", "", "zwölf"})

	a, err := ort.NewTensor(ort.NewShape(2), []float32{1, 2})
	must(err)
	b, err := ort.NewTensor(ort.NewShape(1), []float32{3})
	must(err)
	sequence, err := ort.NewDynamicAdvancedSession(file("sequence"), []string{"A", "B"}, []string{"Q"}, nil)
	must(err)
	out = []ort.Value{nil}
	must(sequence.Run([]ort.Value{a, b}, out))
	values, err := out[0].(*ort.Sequence).GetValues()
	must(err)
	equal(len(values), 2)
	equal(values[0].(*ort.Tensor[float32]).GetData(), []float32{1, 2})

	if _, err = ort.NewDynamicAdvancedSession(file("no such model"), []string{"X"}, []string{"Y"}, nil); err == nil {
		must(fmt.Errorf("a model that is not there was opened"))
	}
}
