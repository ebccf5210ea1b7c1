// SPDX-License-Identifier: MIT
//
// Makes tokens with the AWS SDK for Go:
//
//	token HOST USER          prints one token
//	token HOST USER COUNT    prints the nanoseconds of one token: the minimum of COUNT batches of 100
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
)

func main() {
	settings, err := config.LoadDefaultConfig(context.TODO(), config.WithRegion("us-east-1"))
	if err != nil {
		panic(err)
	}
	makeToken := func() string {
		token, err := auth.BuildAuthToken(
			context.TODO(), os.Args[1]+":5432", "us-east-1", os.Args[2], settings.Credentials)
		if err != nil {
			panic(err)
		}
		return token
	}
	token := makeToken()
	if len(os.Args) == 3 {
		fmt.Println(token)
		return
	}
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	best := int64(1) << 62
	for i := 0; i < count; i++ {
		start := time.Now()
		for j := 0; j < 100; j++ {
			makeToken()
		}
		if took := time.Since(start).Nanoseconds() / 100; took < best {
			best = took
		}
	}
	fmt.Println(best)
}
